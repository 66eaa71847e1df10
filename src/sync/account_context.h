// The context of one account's run, shared by its steps: the account, their surroundings, and the
// record of each stream.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "mirror/apply.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "sync/lister.h"
#include "sync/runs.h"

namespace payoutd::sync {

// All of them outlive the run.
struct Surroundings {
  pg::Database& db;
  stripe::Client& client;
  const mirror::Appliers& appliers;
  const Clock& clock;
  Lister& lister;
  const std::atomic<bool>& stopping;
};

struct Wanted {
  bool repair = false;       // read all lists whole, and mend what differs
  bool verify_only = false;  // read nothing but what the proof needs
  std::chrono::milliseconds wait_for_others{0};
};

class AccountContext {
 public:
  AccountContext(const Surroundings& surroundings, const access::ConnectedAccount& account,
                 RunId run, const Wanted& wanted);

  const Surroundings in;
  const Target target;
  const RunId run;
  const Wanted wanted;
  const Time began_at;

  bool thorough() const { return wanted.repair || wanted.verify_only; }
  // False once the account took its authorization back, or the program stops.
  bool may_go_on() const { return !deauthorized_ && !in.stopping; }

  // Blocks until the lister has read all of the pass.
  void read(const std::shared_ptr<Pass>& pass) const;
  std::shared_ptr<Pass> pass_of(const Stream& stream, std::vector<Range> ranges,
                                bool resumable) const;

  // Stores what became of one stream in the run's record.
  void note(StreamRecord record);
  // Stores a stream's failure. `account_invalid` deauthorizes the account; a run that was stopped
  // is interrupted, not failed.
  void fail(std::string_view stream, std::string_view kind, const Error& error, Counts counts = {});
  void fail(std::string_view stream, std::string_view kind, const Pass& pass) {
    fail(stream, kind, *pass.error, pass.counts);
  }
  void succeed(std::string_view stream, std::string_view kind, const Pass& pass) {
    note({.account = target.account,
          .stream = std::string(stream),
          .kind = std::string(kind),
          .status = "succeeded",
          .counts = pass.counts,
          .error = pass.refused});
  }
  // Something threw: the account has failed.
  void break_off(const std::exception& error);

  // Notes what became of the account as a whole, and gives all records out.
  std::vector<StreamRecord> finish();
  std::vector<StreamRecord> finish_busy();

 private:
  bool deauthorized_ = false;
  bool failed_ = false;
  bool interrupted_ = false;
  std::string first_error_;
  std::vector<StreamRecord> records_;
};

}  // namespace payoutd::sync
