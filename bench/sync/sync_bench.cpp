// How fast one account's balance transactions are synced: beside COPY into the same table with the
// same indexes, with 100 ms of latency at 25 and at 100 requests a second, and how much memory a
// million rows take. Stripe's part is the simulator in a process of its own; one run, about two
// minutes.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "access/organizations.h"
#include "mirror/rate_budget.h"
#include "payouts/apply.h"
#include "pg/embedded.h"
#include "pg/migrate.h"
#include "stripe/sim/sim.h"
#include "sync/sync.h"

namespace payoutd::sync {
namespace {

using Monotonic = std::chrono::steady_clock;

struct Simulator {
  pid_t pid = 0;
  std::uint16_t port = 0;
  std::string key, account;
};

[[noreturn]] void simulate(int told, std::size_t rows, int latency_ms) {
  const SystemClock clock;
  sim::Options options;
  options.port = 0;
  options.workers = 64;
  sim::Sim simulator(clock, options);
  if (!simulator.start()) ::_exit(1);
  simulator.bulk_balance_transactions(simulator.platform(), rows);
  if (latency_ms > 0) {
    if (!simulator.faults().add(
            Json{{"path", "/v1/*"}, {"do", "latency"}, {"ms", latency_ms}, {"count", 0}}))
      ::_exit(1);
  }
  const std::string line = fmt::format("{} {} {}\n", simulator.port(), simulator.api_key().reveal(),
                                       simulator.platform());
  if (::write(told, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
  for (;;) ::pause();
}

// Forked before this process has threads of its own.
Simulator start_simulator(std::size_t rows, int latency_ms) {
  int fds[2];
  CHECK(::pipe(fds) == 0);
  const pid_t pid = ::fork();
  CHECK(pid >= 0);
  if (pid == 0) simulate(fds[1], rows, latency_ms);
  ::close(fds[1]);
  std::FILE* in = ::fdopen(fds[0], "r");
  char key[200] = "", account[200] = "";
  unsigned port = 0;
  CHECK(std::fscanf(in, "%u %199s %199s", &port, key, account) == 3);
  std::fclose(in);
  return {pid, static_cast<std::uint16_t>(port), key, account};
}

void stop(const Simulator& simulator) {
  ::kill(simulator.pid, SIGKILL);
  ::waitpid(simulator.pid, nullptr, 0);
}

long peak_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

double run_sql(pg::Database& db, const std::string& sql) {
  const auto begun = Monotonic::now();
  const auto done = db.transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("SET LOCAL statement_timeout = 0");
    tx.exec_unnamed(sql);
    return {};
  });
  CHECK(done.ok());
  return std::chrono::duration<double>(Monotonic::now() - begun).count();
}

struct Measured {
  double rows_per_second = 0;
  RunRecord run;
};

Measured sync_all(pg::Database& db, const Simulator& simulator, double per_second) {
  run_sql(db,
          "TRUNCATE balance_transactions, sync_ranges, sync_streams, sync_run_streams, sync_runs, "
          "rate_budget, connected_accounts CASCADE");
  mirror::Appliers appliers = mirror::Appliers::mirror();
  payouts::add_applier(appliers);
  const SystemClock clock;
  stripe::Client::Options options;
  options.key = Secret(simulator.key);
  options.base = fmt::format("http://127.0.0.1:{}", simulator.port);
  const stripe::Rates rates{per_second, per_second, per_second};
  if (per_second > 1'000) options.budget = std::make_shared<stripe::LocalBudget>(rates);
  else options.budget = std::make_shared<mirror::SharedBudget>(db, rates);
  auto client = stripe::Client::open(std::move(options));
  CHECK(client.ok());
  Syncer syncer(db, **client, appliers, clock, {});
  const auto begun = Monotonic::now();
  auto runs = syncer.run({.asked_by = "bench"});
  const double seconds = std::chrono::duration<double>(Monotonic::now() - begun).count();
  CHECK(runs.ok() && runs->size() == 1 && runs->front().status == "succeeded");
  const RunRecord& run = runs->front();
  return {static_cast<double>(run.counts.created) / seconds, run};
}

void beside_copy(pg::Database& db, std::size_t rows) {
  const Simulator simulator = start_simulator(rows, 0);
  const Measured synced = sync_all(db, simulator, 1e6);
  stop(simulator);
  run_sql(
      db,
      "DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE balance_transactions INCLUDING ALL)");
  const std::string file = "/tmp/payoutd-bench-sync.copy";
  run_sql(db, "COPY (SELECT * FROM balance_transactions) TO '" + file + "'");
  const double copy = static_cast<double>(rows) / run_sql(db, "COPY copied FROM '" + file + "'");
  run_sql(db, "DROP TABLE copied");
  std::filesystem::remove(file);
  fmt::print(
      "sync {:>9.0f} rows/s   COPY into the same indexed table {:>9.0f} rows/s   ratio {:.2f}\n",
      synced.rows_per_second, copy, synced.rows_per_second / copy);
}

void with_latency(pg::Database& db, double per_second, std::size_t rows) {
  const Simulator simulator = start_simulator(rows, 100);
  const Measured synced = sync_all(db, simulator, per_second);
  stop(simulator);
  fmt::print(
      "100 ms of latency at {:>3.0f} requests/s: {:>7.0f} rows/s, {:.1f} % of {:.0f}  ({} "
      "requests, {} limited)\n",
      per_second, synced.rows_per_second, synced.rows_per_second / per_second, per_second * 100,
      synced.run.counts.requests, synced.run.limited);
}

void memory(pg::Database& db, std::size_t rows) {
  const long before = peak_kb();
  const Simulator simulator = start_simulator(rows, 0);
  const Measured synced = sync_all(db, simulator, 1e6);
  stop(simulator);
  fmt::print("{} rows of one account: {:.0f} rows/s, peak memory {:.0f} MB (before {:.0f} MB)\n",
             synced.run.counts.created, synced.rows_per_second,
             static_cast<double>(peak_kb()) / 1024, static_cast<double>(before) / 1024);
}

int run(double scale) {
  std::string folder = "/tmp/payoutd-bench-XXXXXX";
  CHECK(::mkdtemp(folder.data()) != nullptr);
  ::chmod(folder.c_str(), 0711);
  auto server = pg::Embedded::start({.data_dir = folder});
  CHECK(server.ok());
  CHECK(pg::migrate({.url = server->url()}).ok());
  const auto scaled = [&](std::size_t rows) {
    return static_cast<std::size_t>(static_cast<double>(rows) * scale);
  };
  {
    pg::Database db({.url = server->url(), .max_connections = 12});
    beside_copy(db, scaled(300'000));
    std::fflush(stdout);
    with_latency(db, 25, scaled(150'000));
    std::fflush(stdout);
    with_latency(db, 100, scaled(600'000));
    std::fflush(stdout);
    memory(db, scaled(1'000'000));
  }
  server->stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return 0;
}

}  // namespace
}  // namespace payoutd::sync

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  return payoutd::sync::run(argc > 1 ? std::atof(argv[1]) : 1.0);
}
