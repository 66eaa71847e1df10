// Stores batches of events for one thread of the inbox: whose each is, whether it will be applied,
// and which table takes it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "pg/database.h"
#include "webhooks/inbox_store.h"

namespace payoutd::webhooks {

struct StoredBatch {
  std::size_t stored = 0;
  std::size_t set_aside = 0;  // of a time that the inbox does not keep
  // Places of the events that were not stored, because their week is not there and could not be
  // made at once: to be delivered again.
  std::vector<std::size_t> refused;
  std::string_view why_refused;  // of the last of them
};

class InboxWriter {
 public:
  // `livemode` is the mode of our Stripe key; without one every mode is taken.
  InboxWriter(pg::Database& db, const Clock& clock, std::optional<bool> livemode);

  // In one transaction; what is there already is skipped. Fills in whose the events are. Throws
  // what a transaction throws, and pg::Lost while there is no platform organization to keep events
  // for.
  StoredBatch store(std::span<Received> events);

 private:
  void learn_accounts(pg::Tx& tx, std::span<const Received> events);
  bool place(Received& event) const;
  bool in_range(Time created) const;
  std::set<std::int64_t> weeks_that_can_not_be_made(std::span<const Received> events,
                                                    std::string_view& why);

  pg::Database& db_;
  const Clock& clock_;
  const std::optional<bool> livemode_;
  // By acct_…; "" is the platform's own account.
  std::map<std::string, inbox_store::Owner, std::less<>> owners_;
  std::chrono::steady_clock::time_point owners_read_{};
  std::optional<OrgId> platform_;
  std::set<std::int64_t> weeks_;  // that have a partition
  log::Repeated failing_;
};

}  // namespace payoutd::webhooks
