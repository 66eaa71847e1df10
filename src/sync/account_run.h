// One account in one run.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "sync/lister.h"
#include "sync/runs.h"
#include "sync/verify.h"

namespace payoutd::sync {

class AccountRun {
 public:
  struct Surroundings {
    pg::Database& db;
    stripe::Client& client;
    const mirror::Appliers& appliers;
    const Clock& clock;
    Lister& lister;
    const std::atomic<bool>& stopping;
  };
  struct Wanted {
    bool repair = false;
    bool verify_only = false;
    std::chrono::milliseconds wait_for_others{0};
  };
  AccountRun(Surroundings surroundings, const access::ConnectedAccount& account, RunId run,
             Wanted wanted);

  // What became of each list, and of the account as a whole (stream "account") at the end. Stored
  // in the run's record as it goes.
  std::vector<StreamRecord> run();

 private:
  bool lease();
  void sync_it();
  bool list_streams();
  std::shared_ptr<Pass> open_pass(pg::Tx& tx, const StreamState& state, const Stream& stream,
                                  std::optional<Time> events_synced_to, Time now);
  void close(const Pass& pass);
  void look_after_customers();
  void look_after_pending();
  void look_after_cut();
  void look_after_members();
  bool list_members(std::vector<std::string> payouts);
  void look_after_payouts();
  void fetch(std::string_view stream, const char* type, const std::vector<std::string>& ids);
  Result<void> list_new_transactions();
  void check();
  void check_members();
  void look_closer(std::vector<BalanceCheck>& checks);

  std::shared_ptr<Pass> pass_of(const Stream& stream, std::vector<Range> ranges,
                                bool resumable) const;
  void note(StreamRecord record);
  void fail(const std::string& stream, const std::string& kind, const Error& error,
            Counts counts = {});
  bool thorough() const { return wanted_.repair || wanted_.verify_only; }
  bool may_go_on() const { return !deauthorized_ && !in_.stopping; }

  Surroundings in_;
  const Target target_;
  const RunId run_;
  const Wanted wanted_;
  Time began_at_{};
  bool deauthorized_ = false;
  bool failed_ = false;
  bool interrupted_ = false;
  std::string first_error_;
  std::optional<Time> customers_listed_whole_;
  std::vector<StreamRecord> records_;
};

}  // namespace payoutd::sync
