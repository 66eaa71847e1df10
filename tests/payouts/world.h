// The mirror's world with payouts in it.
#pragma once

#include "mirror/world.h"
#include "payouts/apply.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payout.h"
#include "stripe/metadata_keys.h"

namespace payoutd::payouts {

using mirror::Applied;
using mirror::fixture;
using mirror::for_each_order;
using mirror::kAccount;
using mirror::kOtherAccount;
using mirror::kStart;
using mirror::Outcome;
using mirror::Shelf;
using mirror::Source;
using mirror::Version;
using mirror::with;

class PayoutsTest : public mirror::MirrorTest {
 protected:
  PayoutsTest() { add_applier(appliers); }

  // Everything but our own id, the account, and when the row was last written.
  std::string row(const std::string& account) {
    return sql(
        fmt::format("SELECT (to_jsonb(p) - 'id' - 'account' - 'updated')::text AS it"
                    " FROM payouts p WHERE account = '{}'",
                    account));
  }
  // What events told; a list tells only what is not known when it comes.
  std::string changes(const std::string& account) {
    return sql(
        fmt::format("SELECT string_agg(e.change, ' ' ORDER BY e.change) AS it FROM payout_events e "
                    "JOIN payouts p"
                    " ON p.organization_id = e.organization_id AND p.id = e.payout_id WHERE "
                    "p.account = '{}' AND e.source = 'event'",
                    account));
  }
  std::string status(const std::string& account = kAccount) {
    return sql(fmt::format("SELECT status AS it FROM payouts WHERE account = '{}'", account));
  }
  Payout only() {
    auto found = db().read([&](pg::Tx& tx) { return list_payouts(tx, org, {}, {}); });
    CHECK(found.ok() && found->data.size() == 1);
    return found->data[0];
  }
  OrderedJson shown() {
    const Payout payout = only();
    return to_json(payout, events(payout.id));
  }
  std::vector<PayoutEvent> events(PayoutId id) {
    return *db().read([&](pg::Tx& tx) -> Result<std::vector<PayoutEvent>> {
      return events_of(tx, org, id).shown;
    });
  }

  Json payout = fixture("payout.created")["data"]["object"];
};

}  // namespace payoutd::payouts
