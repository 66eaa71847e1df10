// How fast jobs go in and out, beside the barest queue that PostgreSQL can be, and what a million
// waiting jobs cost the one that is next. One run, about a minute, on a server of its own.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "jobs/lease_store.h"
#include "jobs/queue.h"
#include "jobs/worker.h"
#include "pg/database.h"
#include "pg/embedded.h"
#include "pg/migrate.h"

namespace payoutd::jobs {
namespace {

using Monotonic = std::chrono::steady_clock;

const pg::Query kBareTake{"bench_bare_take", R"sql(
  DELETE FROM bare WHERE id IN (SELECT id FROM bare ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING id, payload)sql",
                          pg::Tenancy::global};

double seconds(const std::function<void()>& work) {
  const auto begun = Monotonic::now();
  work();
  return std::chrono::duration<double>(Monotonic::now() - begun).count();
}

template <class F>
auto in_tx(pg::Database& db, F&& body) {
  using T = std::invoke_result_t<F, pg::Tx&>;
  auto done = db.transact([&](pg::Tx& tx) -> Result<T> { return body(tx); });
  CHECK(done.ok());
  return std::move(*done);
}

void run_sql(pg::Database& db, const std::string& sql) {
  in_tx(db, [&](pg::Tx& tx) { return tx.exec_unnamed(sql).affected(); });
}

// `count` ready jobs of `tenants` tenants, of the least urgent priority.
void fill(pg::Database& db, int count, int tenants) {
  run_sql(db, "TRUNCATE jobs");
  run_sql(db,
          fmt::format("INSERT INTO jobs (id, organization_id, kind, priority, payload, state, "
                      "max_attempts) "
                      "SELECT gen_random_uuid(), ('00000000-0000-0000-0000-' || "
                      "lpad((1 + i % {})::text, 12, '0'))::uuid, 'work', 3, '{{}}', 'ready', 20 "
                      "FROM generate_series(1, {}) AS i",
                      tenants, count));
}

const std::vector<std::string> kKinds{"work"};

std::vector<Claimed> claim_some(pg::Tx& tx, Turns& turns, int limit) {
  lease_store::use_indexes(tx);
  return lease_store::claim(tx,
                            {.kinds = kKinds,
                             .limit = limit,
                             .lease = Uuid::v7(),
                             .holder = "bench",
                             .lease_for = std::chrono::minutes{5}},
                            turns);
}

std::size_t take_and_finish(pg::Database& db, Turns& turns, int limit) {
  const auto claimed = in_tx(db, [&](pg::Tx& tx) { return claim_some(tx, turns, limit); });
  std::vector<Held> held;
  for (const Claimed& job : claimed) held.push_back({job.id, job.lease});
  if (held.empty()) return 0;
  return in_tx(db, [&](pg::Tx& tx) {
    lease_store::use_indexes(tx);
    return lease_store::finish(tx, held).size();
  });
}

struct Latency {
  double median_ms;
  double p99_ms;
};

// Of the claim itself; the commit after it costs what the disk costs.
Latency claim_latency(pg::Database& db, int rounds) {
  Turns turns;
  std::vector<double> ms;
  for (int i = 0; i < rounds; ++i) {
    in_tx(db, [&](pg::Tx& tx) {
      ms.push_back(1000 * seconds([&] { CHECK(claim_some(tx, turns, 1).size() == 1); }));
      return 0;
    });
  }
  std::ranges::sort(ms);
  return {ms[ms.size() / 2], ms[ms.size() * 99 / 100]};
}

// In claims, with the queue as compare_lengths left it: a million jobs of one tenant.
void measure_turns(pg::Database& db) {
  Turns turns;
  in_tx(db, [&](pg::Tx& tx) { return claim_some(tx, turns, 4).size(); });
  const OrgId late = OrgId::make();
  in_tx(db, [&](pg::Tx& tx) {
    return enqueue(tx, {.kind = "work", .organization = late, .priority = Priority::sync});
  });
  int claims = 0;
  for (bool ran = false; !ran; ++claims) {
    for (const Claimed& job : in_tx(db, [&](pg::Tx& tx) { return claim_some(tx, turns, 1); })) {
      ran = ran || job.organization == late;
    }
  }
  fmt::print("one job of a tenant that comes after another's million: claim number {}\n", claims);
}

void compare_lengths(pg::Database& db) {
  for (const int tenants : {1'000, 1}) {
    std::vector<double> medians;
    for (const int count : {1'000, 1'000'000}) {
      fill(db, count, tenants);
      const Latency found = claim_latency(db, 500);
      medians.push_back(found.median_ms);
      fmt::print("claim one of {:>9} waiting, {:>4} tenants: median {:.3f} ms, p99 {:.3f} ms\n",
                 count, tenants, found.median_ms, found.p99_ms);
    }
    fmt::print("a million beside a thousand: {:.2f} times\n", medians[1] / medians[0]);
  }
  measure_turns(db);
}

void compare_throughput(pg::Database& db) {
  constexpr int kJobs = 20'000;
  run_sql(db, "TRUNCATE jobs");
  run_sql(db, "CREATE TABLE bare (id bigserial PRIMARY KEY, payload text NOT NULL)");
  const double singly = seconds([&] {
    for (int i = 0; i < 1'000; ++i) {
      in_tx(db, [](pg::Tx& tx) { return enqueue(tx, {.kind = "work"}); });
    }
  });
  fmt::print("enqueue, a transaction each: {:.0f} jobs/s\n", 1'000 / singly);
  run_sql(db, "TRUNCATE jobs");
  const std::vector<Job> batch(1'000, {.kind = "work", .organization = OrgId::make()});
  const double batched = seconds([&] {
    for (int i = 0; i < kJobs / 1'000; ++i) {
      in_tx(db, [&](pg::Tx& tx) { return enqueue(tx, std::span(batch)); });
    }
  });
  fmt::print("enqueue, 1,000 to a batch: {:.0f} jobs/s\n", kJobs / batched);
  run_sql(db, fmt::format("INSERT INTO bare (payload) SELECT '{{}}' FROM generate_series(1, {})",
                          kJobs));
  for (const int limit : {1, 8, 64}) {
    const int rounds = std::min(500, kJobs / 3 / limit);
    std::size_t ours = 0;
    Turns turns;
    const double took = seconds([&] {
      for (int i = 0; i < rounds; ++i) ours += take_and_finish(db, turns, limit);
    });
    std::size_t bare = 0;
    const double bare_took = seconds([&] {
      for (int i = 0; i < rounds; ++i) {
        bare += in_tx(db, [&](pg::Tx& tx) { return tx.exec(kBareTake, limit).size(); });
      }
    });
    fmt::print(
        "{:>2} at a time: claim and finish {:.0f} jobs/s; "
        "bare DELETE … SKIP LOCKED {:.0f} jobs/s\n",
        limit, static_cast<double>(ours) / took, static_cast<double>(bare) / bare_took);
  }
}

void measure_worker(pg::Database& db) {
  constexpr int kJobs = 10'000;
  for (const int threads : {1, 4, 16}) {
    fill(db, kJobs, 100);
    std::atomic<int> ran = 0;
    const SystemClock clock;
    const double took = seconds([&] {
      Worker worker(db, clock,
                    {{"work",
                      [&](Run&) -> Result<void> {
                        ++ran;
                        return {};
                      }}},
                    {.threads = threads, .urgent_threads = 0});
      while (ran < kJobs) std::this_thread::sleep_for(std::chrono::milliseconds{1});
      CHECK(worker.stop());
    });
    CHECK(ran == kJobs);
    fmt::print("a worker of {:>2} threads, jobs that do nothing: {:.0f} jobs/s\n", threads,
               kJobs / took);
  }
}

int run() {
  std::string folder = "/tmp/payoutd-bench-XXXXXX";
  CHECK(::mkdtemp(folder.data()) != nullptr);
  ::chmod(folder.c_str(), 0711);
  auto server = pg::Embedded::start({.data_dir = folder});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  CHECK(pg::migrate({.url = server->url()}).ok());
  {
    pg::Database db({.url = server->url()});
    compare_throughput(db);
    measure_worker(db);
    compare_lengths(db);
  }
  server->stop();
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace payoutd::jobs

int main() { return payoutd::jobs::run(); }
