// The first step of an account's run: its lists by `created`, and the events that tell of changes.
#pragma once

#include <memory>
#include <optional>

#include "sync/account_context.h"
#include "sync/cursors_store.h"

namespace payoutd::sync {

class Listing {
 public:
  explicit Listing(AccountContext& run) : run_(run) {}

  // Reads every stream: a pass that another run left open is gone on with, and ends at the time
  // that it began with. A second round then reads what came since.
  void read();

  // When a list of all customers was begun, if this run read one to its end: a customer that it did
  // not show is gone.
  std::optional<Time> customers_listed_whole() const { return customers_listed_whole_; }

 private:
  bool round();
  std::shared_ptr<Pass> open_pass(pg::Tx& tx, const StreamState& state, const Stream& stream,
                                  std::optional<Time> events_synced_to, Time now);
  void close(const Pass& pass);

  AccountContext& run_;
  std::optional<Time> customers_listed_whole_;
};

}  // namespace payoutd::sync
