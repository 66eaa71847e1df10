// The rows of Stripe's payouts as apply() finds and makes them; moves_store saves what they show
// next. They are found by (organization, account, po_…) and locked in the order of those keys.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "mirror/shown.h"
#include "payouts/shown_row.h"
#include "pg/database.h"

namespace payoutd::payouts::mirrored_store {

using mirror::Key;
using OptionalText = std::optional<std::string>;

// A row that we made before Stripe had named it, and what may be it.
struct Claim {
  Key key;
  PayoutId id;  // as the metadata says; from outside, so the money has to agree as well
  Money money;
};
// Names the rows: those of that id, account, amount and currency which have no Stripe id yet.
// Returns which. A Stripe payout that has a row, or a second one for one row, is left to be a row
// of its own.
std::set<Key> adopt(pg::Tx& tx, const std::vector<Claim>& claims);

// Inserts those whose key has no row, sorted by key. Returns the ids of the rows that were made;
// all other keys have a committed row, or one of this transaction, afterwards.
std::set<PayoutId> insert(pg::Tx& tx, const std::vector<ShownRow>& rows);

struct Stored {
  Key key;
  PayoutId id;
  bool ever_shown = false;  // false: `state` is empty
  State state;
  bool members_checked = false;
  // The row's times are not those of its history: an instance of an older version, which keeps
  // there when a status was seen, wrote them while this one was rolled out.
  bool times_differ = false;
};
// `state.happened` is as the payout's history tells it.
std::vector<Stored> lock(pg::Tx& tx, const std::vector<Key>& keys);

// A change of a payout as it was seen.
struct Seen {
  OrgId organization;
  PayoutId payout;
  std::string change, kind, status, event_id;
  OptionalText from_status;  // the row's before; none for a row that this made
  std::string_view source;
  OptionalText notes;
  Time occurred_at{};
};
// Appends those that are not there yet, numbered in this order; each change of a payout once.
void append(pg::Tx& tx, const std::vector<Seen>& changes);

}  // namespace payoutd::payouts::mirrored_store
