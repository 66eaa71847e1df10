// A queue in a database of its own, and short words for what tests do with it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "jobs/dead_jobs.h"
#include "jobs/lease_store.h"
#include "jobs/queue.h"
#include "jobs/worker.h"
#include "support/database.h"

namespace payoutd::jobs {

inline const Time kMorning = *parse_time("2026-03-02T08:00:00Z");

class QueueTest : public support::DatabaseTest {
 protected:
  // In a transaction of its own; throws the Error's message.
  template <class F>
  auto in_tx(F&& body) {
    return in_tx_of(db(), body);
  }
  template <class F>
  static auto in_tx_of(pg::Database& database, F&& body) {
    using T = std::invoke_result_t<F, pg::Tx&>;
    if constexpr (std::is_void_v<T>) {
      const auto done = database.transact([&](pg::Tx& tx) -> Result<void> {
        body(tx);
        return {};
      });
      if (!done) throw std::runtime_error(done.error().message);
    } else {
      auto done = database.transact([&](pg::Tx& tx) -> Result<T> { return body(tx); });
      if (!done) throw std::runtime_error(done.error().message);
      return std::move(*done);
    }
  }

  bool add(const Job& job) {
    return in_tx([&](pg::Tx& tx) { return enqueue(tx, job); });
  }
  std::size_t add_all(const std::vector<Job>& jobs) {
    return in_tx([&](pg::Tx& tx) { return enqueue(tx, std::span(jobs)); });
  }

  std::vector<Claimed> take(int limit, std::vector<std::string> kinds = {"work"}) {
    return in_tx([&](pg::Tx& tx) { return take_in(tx, limit, kinds); });
  }
  std::vector<Claimed> take_in(pg::Tx& tx, int limit, std::vector<std::string> kinds = {"work"}) {
    lease_store::use_indexes(tx);
    return lease_store::claim(tx,
                              {.kinds = kinds,
                               .limit = limit,
                               .lease = Uuid::v7(),
                               .holder = "test",
                               .lease_for = std::chrono::minutes{1}},
                              turns_);
  }

  static Held held(const Claimed& job) { return {job.id, job.lease}; }
  std::size_t end(const Claimed& job) {
    const Held one = held(job);
    return in_tx([&](pg::Tx& tx) { return lease_store::finish(tx, std::span(&one, 1)).size(); });
  }
  void fail(const Claimed& job, Time run_at) {
    const Returned back{held(job), run_at, "not now"};
    in_tx([&](pg::Tx& tx) { lease_store::give_back(tx, std::span(&back, 1)); });
  }
  void bury_one(const Claimed& job, const std::string& error = "broken") {
    const Buried one{held(job), error};
    in_tx([&](pg::Tx& tx) { lease_store::bury(tx, std::span(&one, 1)); });
  }
  void promote_at(Time now) {
    in_tx([&](pg::Tx& tx) { lease_store::promote(tx, now); });
  }
  void run_out_all_leases() {
    in_tx([](pg::Tx& tx) {
      tx.exec_unnamed(
          "UPDATE jobs SET leased_until = now() - interval '1 second' "
          "WHERE state = 'running'");
    });
  }
  Backlog counts() {
    return in_tx([](pg::Tx& tx) { return backlog(tx); });
  }
  std::string text(const std::string& sql) {
    return in_tx([&](pg::Tx& tx) { return tx.exec_unnamed(sql).one().get<std::string>(0); });
  }
  std::vector<DeadJob> dead(const DeadFilter& filter = {}) {
    return in_tx([&](pg::Tx& tx) { return dead_jobs(tx, filter); });
  }

  // Looks again and again, for at most `seconds`, at what other threads bring about.
  template <class F>
  static bool comes_true(F&& condition, int seconds = 20) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  Turns turns_;
};

}  // namespace payoutd::jobs
