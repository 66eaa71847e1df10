// Runs a program's jobs on the test's own thread, so that nothing is waited for.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "jobs/handler.h"
#include "jobs/lease_store.h"
#include "pg/database.h"

namespace payoutd::support {

class JobRunner {
  template <class F>
  auto in_tx(F&& body) {
    auto done = db_.transact(std::forward<F>(body));
    CHECK(done.ok());
    return *std::move(done);
  }

 public:
  JobRunner(pg::Database& db, const Clock& clock, std::vector<jobs::Handler> handlers)
      : db_(db), clock_(clock), handlers_(std::move(handlers)) {
    for (const jobs::Handler& handler : handlers_) kinds_.push_back(handler.kind);
  }

  // What is due on the clock, and what that makes due, until nothing is. How many of each kind
  // were done; a job that wants to run again counts as "kind retry", a dead one as "kind dead".
  std::map<std::string, int> run_all() {
    std::map<std::string, int> done;
    for (;;) {
      const std::vector<jobs::Claimed> claimed = claim_all();
      if (claimed.empty()) return done;
      for (const jobs::Claimed& job : claimed) ++done[run(job)];
    }
  }

  // The jobs that are due, under a lease of ours, so that a test can run several at once.
  std::vector<jobs::Claimed> claim_all() {
    return in_tx([&](pg::Tx& tx) -> Result<std::vector<jobs::Claimed>> {
      jobs::lease_store::use_indexes(tx);
      jobs::lease_store::promote(tx, clock_.now());
      return jobs::lease_store::claim(tx,
                                      {.kinds = kinds_,
                                       .limit = 100,
                                       .lease = Uuid::v7(),
                                       .holder = "test",
                                       .lease_for = std::chrono::minutes{5}},
                                      turns_);
    });
  }

  std::string run(const jobs::Claimed& job) {
    const auto handler = std::ranges::find(handlers_, job.kind, &jobs::Handler::kind);
    CHECK(handler != handlers_.end());
    const std::atomic<bool> stopping{false};
    const std::atomic<jobs::Run::Monotonic::rep> lease_end{
        jobs::Run::Monotonic::time_point::max().time_since_epoch().count()};
    jobs::Run run(job, Json::parse(job.payload), lease_end, stopping);
    const Result<void> ended = handler->run(run);
    const jobs::Held held{job.id, job.lease};
    return in_tx([&](pg::Tx& tx) -> Result<std::string> {
      jobs::lease_store::use_indexes(tx);
      if (ended) {
        jobs::lease_store::finish(tx, std::span(&held, 1));
        return job.kind;
      }
      if (ended.error().kind != Kind::retry) {
        const jobs::Buried buried{held, ended.error().message};
        jobs::lease_store::bury(tx, std::span(&buried, 1));
        return job.kind + " dead";
      }
      const auto delay = run.retry_delay().value_or(std::chrono::seconds{1});
      const jobs::Returned back{held, clock_.now() + delay, ended.error().message};
      jobs::lease_store::give_back(tx, std::span(&back, 1));
      return job.kind + " retry";
    });
  }

 private:
  pg::Database& db_;
  const Clock& clock_;
  const std::vector<jobs::Handler> handlers_;
  std::vector<std::string> kinds_;
  jobs::Turns turns_{};
};

}  // namespace payoutd::support
