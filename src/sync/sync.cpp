#include "sync/sync.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "access/organizations.h"
#include "base/log.h"
#include "sync/account_run.h"
#include "sync/discovery.h"
#include "sync/runs_store.h"

namespace payoutd::sync {

namespace {

using namespace std::chrono_literals;
using Monotonic = std::chrono::steady_clock;

constexpr auto kLook = 200ms;
constexpr auto kKeepAlive = 10s;
constexpr std::int64_t kAccountsAtOnce = 500;

// `account` streams tell of the whole account, and their counts are zero.
void sum_up(RunRecord& run, const std::vector<StreamRecord>& streams) {
  for (const StreamRecord& stream : streams) run.counts += stream.counts;
}

struct Tally {
  std::size_t good = 0, bad = 0, busy = 0, interrupted = 0;
};

std::string status_of(const Tally& tally) {
  if (tally.interrupted > 0) return "interrupted";
  if (tally.bad + tally.busy == 0) return "succeeded";
  return tally.good == 0 ? "failed" : "partial";
}

}  // namespace

// One run: its accounts are taken by threads one after the other.
struct Syncer::Turn {
  std::mutex mutex;
  std::condition_variable done;
  std::size_t next = 0;
  std::size_t finished = 0;
  std::atomic<bool> stopping{false};
  std::map<OrgId, RunRecord> runs;
  std::map<OrgId, Tally> tallies;
  std::vector<access::ConnectedAccount> accounts;
};

Syncer::Syncer(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers, const Clock& clock,
               Settings settings)
    : db_(db), client_(client), appliers_(appliers), clock_(clock), settings_(settings) {
  CHECK(settings.accounts_at_once > 0);
}

Result<std::vector<access::ConnectedAccount>> Syncer::accounts_of(const Options& options) {
  std::vector<access::ConnectedAccount> wanted;
  std::string after;
  for (bool more = true; more;) {
    const auto some = db_.transact([&](pg::Tx& tx) -> Result<std::vector<access::ConnectedAccount>> {
      return access::active_accounts(tx, after, kAccountsAtOnce);
    });
    if (!some) return some.error();
    for (const access::ConnectedAccount& account : *some) {
      if (options.organization && account.organization != *options.organization) continue;
      if (options.account && account.id() != *options.account) continue;
      wanted.push_back(account);
    }
    more = std::ssize(*some) == kAccountsAtOnce;
    if (more) after = some->back().id();
  }
  if (options.account && wanted.empty()) {
    return Error{Kind::missing, "account_not_found", "no such connected account", "account"};
  }
  return wanted;
}

Result<std::vector<RunRecord>> Syncer::run(const Options& options) {
  std::optional<std::string> discovery_error;
  if (!options.account) {
    const auto found = discover_accounts(db_, client_, settings_.livemode);
    if (!found) {
      discovery_error = "accounts: " + found.error().message;
      log::warn("Stripe's list of accounts could not be read", {{"error", found.error().message}});
    } else if (found->joined > 0) {
      log::info("accounts joined", {{"count", found->joined}});
    }
  }
  auto accounts = accounts_of(options);
  if (!accounts) return accounts.error();

  Turn turn;
  turn.accounts = *std::move(accounts);
  const RunId id = options.id.value_or(RunId::make());
  const Time began = clock_.now();
  const auto run_of = [&](OrgId organization) -> RunRecord& {
    const auto [at, fresh] = turn.runs.try_emplace(organization);
    if (fresh) {
      at->second.organization = organization;
      at->second.id = id;
      at->second.asked_by = options.asked_by;
      at->second.account = options.account;
      at->second.repair = options.repair;
      at->second.status = "running";
      at->second.queued_at = at->second.started_at.emplace(began);
      at->second.error = discovery_error;
    }
    return at->second;
  };
  if (options.organization) run_of(*options.organization);
  for (const access::ConnectedAccount& account : turn.accounts) ++run_of(account.organization).accounts;
  const auto begun = db_.transact([&](pg::Tx& tx) -> Result<void> {
    for (const auto& [organization, run] : turn.runs) runs_store::begin(tx, run);
    return {};
  });
  if (!begun) return begun.error();

  const std::uint64_t limited_before = client_.counts().limited;
  const auto limited = [&] { return static_cast<std::int64_t>(client_.counts().limited - limited_before); };
  Lister lister(db_, client_, appliers_, settings_.lister);
  const auto work = [&] {
    for (;;) {
      std::unique_lock lock(turn.mutex);
      if (turn.next == turn.accounts.size() || turn.stopping) break;
      const access::ConnectedAccount& account = turn.accounts[turn.next++];
      lock.unlock();
      AccountRun account_run({db_, client_, appliers_, clock_, lister, turn.stopping}, account, id, options.repair);
      std::vector<StreamRecord> streams;
      try {
        streams = account_run.run();
      } catch (const std::exception& e) {
        log::error("an account's run broke off", {{"account", account.id()}, {"error", e.what()}});
        streams.push_back({.account = account.id(), .stream = "account", .status = "failed", .error = e.what()});
      }
      lock.lock();
      RunRecord& run = turn.runs.at(account.organization);
      Tally& tally = turn.tallies[account.organization];
      sum_up(run, streams);
      const std::string& status = streams.back().status;
      if (status == "busy") ++tally.busy;
      else if (status == "failed") ++tally.bad;
      else if (status == "interrupted") ++tally.interrupted;
      else ++tally.good;
      run.streams.insert(run.streams.end(), streams.begin(), streams.end());
      ++turn.finished;
      turn.done.notify_all();
    }
  };
  const std::size_t threads_wanted =
      std::min(turn.accounts.size(), static_cast<std::size_t>(settings_.accounts_at_once));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < threads_wanted; ++i) threads.emplace_back(work);

  const auto started = Monotonic::now();
  auto keep_alive_at = started + kKeepAlive;
  std::unique_lock lock(turn.mutex);
  while (turn.finished < turn.accounts.size() && !turn.stopping) {
    turn.done.wait_for(lock, kLook, [&] { return turn.finished == turn.accounts.size(); });
    if (stopping_ || (options.stop && options.stop())) turn.stopping = true;
    const Lister::State state = lister.state();
    const Progress progress{.accounts = turn.accounts.size(),
                            .accounts_done = turn.finished,
                            .lists_under_way = state.under_way + state.waiting,
                            .counts = state.counts,
                            .limited = limited(),
                            .seconds = std::chrono::duration<double>(Monotonic::now() - started).count(),
                            .rows_left = state.rows_left};
    std::vector<RunRecord> alive;
    if (Monotonic::now() >= keep_alive_at) {
      keep_alive_at = Monotonic::now() + kKeepAlive;
      for (auto& [organization, run] : turn.runs) {
        alive.push_back(run);
        // What is under way of one organization alone can be told apart.
        if (turn.runs.size() == 1) alive.back().counts = state.counts;
        alive.back().limited = progress.limited;
      }
    }
    lock.unlock();
    if (options.progress) options.progress(progress);
    if (!alive.empty()) {
      try {
        const auto told = db_.transact([&](pg::Tx& tx) -> Result<void> {
          runs_store::extend_leases(tx, id);
          for (const RunRecord& run : alive) runs_store::keep_alive(tx, run);
          return {};
        });
        if (!told) log::warn("a run's lease could not be extended", {{"error", told.error().message}});
      } catch (const std::exception& e) {
        log::warn("a run's lease could not be extended", {{"error", e.what()}});
      }
    }
    lock.lock();
  }
  const bool stopped = turn.stopping;
  lock.unlock();
  if (stopped) lister.stop();
  for (std::thread& thread : threads) thread.join();

  std::vector<RunRecord> records;
  for (auto& [organization, run] : turn.runs) {
    const Tally& tally = turn.tallies[organization];
    run.status = stopped ? "interrupted" : status_of(tally);
    if (run.status == "succeeded" && discovery_error) run.status = "partial";
    run.limited = limited();
    run.finished_at = clock_.now();
    for (const StreamRecord& stream : run.streams) {
      if (run.error || stream.stream != "account" || stream.error.empty()) continue;
      run.error = stream.account + ": " + stream.error;
    }
    const auto ended = db_.transact([&](pg::Tx& tx) -> Result<void> {
      runs_store::end(tx, run);
      return {};
    });
    if (!ended) return ended.error();
    records.push_back(std::move(run));
  }
  const bool all_busy = !turn.accounts.empty() &&
                        std::ranges::all_of(turn.tallies, [](const auto& each) {
                          return each.second.good + each.second.bad + each.second.interrupted == 0;
                        });
  if (all_busy && !stopped) {
    return Error{Kind::refused, "sync_running", "another run syncs these accounts; watch it at /api/sync/runs"};
  }
  return records;
}

}  // namespace payoutd::sync
