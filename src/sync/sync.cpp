#include "sync/sync.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iterator>
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
constexpr auto kKeepAlive = 5s;
constexpr std::int64_t kAccountsAtOnce = 500;

// Why not all accounts are known. Whose they are not learns only that there are others.
struct Trouble {
  OrgId platform;
  std::string why;
  std::string told_to(OrgId organization) const {
    return organization == platform ? "accounts: " + why
                                    : "accounts: not all of Stripe's accounts could be read";
  }
};

struct Tally {
  std::size_t good = 0, bad = 0, busy = 0, interrupted = 0;
};

void count(const std::string& status, Tally& tally) {
  if (status == "busy") ++tally.busy;
  else if (status == "failed") ++tally.bad;
  else if (status == "interrupted") ++tally.interrupted;
  else ++tally.good;
}

OrgId platform_of(pg::Database& db) {
  const auto platform = access::ensure_platform_organization(db, "Platform");
  CHECK(platform.ok());
  return platform->id;
}

std::string status_of(const Tally& tally) {
  if (tally.interrupted > 0) return "interrupted";
  if (tally.bad + tally.busy == 0) return "succeeded";
  return tally.good == 0 ? "failed" : "partial";
}

}  // namespace

// A run: threads take its accounts one after the other.
struct Syncer::Turn {
  Turn(Syncer& syncer, const Options& options, std::vector<access::ConnectedAccount> accounts,
       std::optional<Trouble> of_discovery);

  Result<void> begin();
  void work();
  void watch();
  Result<std::vector<RunRecord>> end();

  RunRecord& run_of(OrgId organization);
  std::vector<StreamRecord> run_account(const access::ConnectedAccount& account);
  Progress progress() const;
  void keep_alive(std::vector<RunRecord> runs);
  std::int64_t limited() const {
    return static_cast<std::int64_t>(syncer.client_.counts().limited - limited_before);
  }

  Syncer& syncer;
  const Options& options;
  const std::vector<access::ConnectedAccount> accounts;
  const std::optional<Trouble> trouble;
  const RunId id;
  const Time began;
  const std::uint64_t limited_before;
  const Monotonic::time_point started = Monotonic::now();
  Lister lister;
  std::atomic<bool> stopping{false};

  std::mutex mutex;
  std::condition_variable done;
  std::size_t next = 0;
  std::size_t finished = 0;
  std::map<OrgId, RunRecord> runs;
  std::map<OrgId, Tally> tallies;
};

Syncer::Turn::Turn(Syncer& of, const Options& given,
                   std::vector<access::ConnectedAccount> of_accounts,
                   std::optional<Trouble> of_discovery)
    : syncer(of),
      options(given),
      accounts(std::move(of_accounts)),
      trouble(std::move(of_discovery)),
      id(given.id.value_or(RunId::make())),
      began(of.clock_.now()),
      limited_before(of.client_.counts().limited),
      lister(of.db_, of.client_, of.appliers_, of.settings_.lister) {
  if (options.organization) run_of(*options.organization);
  for (const access::ConnectedAccount& account : accounts) ++run_of(account.organization).accounts;
}

RunRecord& Syncer::Turn::run_of(OrgId organization) {
  const auto [at, fresh] = runs.try_emplace(organization);
  RunRecord& run = at->second;
  if (!fresh) return run;
  run = {.organization = organization, .id = id, .asked_by = options.asked_by};
  run.account = options.account;
  run.repair = options.repair;
  run.status = "running";
  run.queued_at = began;
  run.started_at = began;
  if (trouble) run.error = trouble->told_to(organization);
  return run;
}

Result<void> Syncer::Turn::begin() {
  return syncer.db_.transact([&](pg::Tx& tx) -> Result<void> {
    for (const auto& [organization, run] : runs) runs_store::begin(tx, run);
    return {};
  });
}

std::vector<StreamRecord> Syncer::Turn::run_account(const access::ConnectedAccount& account) {
  try {
    return sync::run_account(
        {syncer.db_, syncer.client_, syncer.appliers_, syncer.clock_, lister, stopping}, account,
        id, {options.repair, options.verify_only, options.wait_for_others});
  } catch (const std::exception& e) {
    log::error("an account's run broke off", {{"account", account.id()}, {"error", e.what()}});
    return {{.account = account.id(),
             .stream = "account",
             .kind = "account",
             .status = "failed",
             .error = e.what()}};
  }
}

void Syncer::Turn::work() {
  for (;;) {
    std::unique_lock lock(mutex);
    if (next == accounts.size() || stopping) return;
    const access::ConnectedAccount& account = accounts[next++];
    lock.unlock();
    std::vector<StreamRecord> streams = run_account(account);
    lock.lock();
    RunRecord& run = runs.at(account.organization);
    for (const StreamRecord& stream : streams) run.counts += stream.counts;
    count(streams.back().status, tallies[account.organization]);
    std::ranges::move(streams, std::back_inserter(run.streams));
    ++finished;
    done.notify_all();
  }
}

Progress Syncer::Turn::progress() const {
  const Lister::State state = lister.state();
  return {.accounts = accounts.size(),
          .accounts_done = finished,
          .lists_under_way = state.under_way + state.waiting,
          .counts = state.counts,
          .limited = limited(),
          .seconds = std::chrono::duration<double>(Monotonic::now() - started).count(),
          .rows_left = state.rows_left};
}

// Until all accounts are done, or somebody wants an end.
void Syncer::Turn::watch() {
  auto keep_alive_at = started + kKeepAlive;
  std::unique_lock lock(mutex);
  while (finished < accounts.size() && !stopping) {
    done.wait_for(lock, kLook, [&] { return finished == accounts.size(); });
    const Progress so_far = progress();
    std::vector<RunRecord> alive;
    if (Monotonic::now() >= keep_alive_at) {
      keep_alive_at = Monotonic::now() + kKeepAlive;
      for (const auto& [organization, run] : runs) {
        alive.push_back(run);
        // The counts under way can be told where they are of one organization.
        if (runs.size() == 1) alive.back().counts = so_far.counts;
        alive.back().limited = so_far.limited;
      }
    }
    lock.unlock();
    if (syncer.stopping_ || (options.stop && options.stop())) stopping = true;
    if (options.progress) options.progress(so_far);
    if (!alive.empty()) keep_alive(std::move(alive));
    lock.lock();
  }
}

void Syncer::Turn::keep_alive(std::vector<RunRecord> alive) {
  try {
    const auto told = syncer.db_.transact([&](pg::Tx& tx) -> Result<void> {
      runs_store::extend_leases(tx, id);
      for (const RunRecord& run : alive) runs_store::keep_alive(tx, run);
      return {};
    });
    if (!told) log::warn("a run's lease could not be extended", {{"error", told.error().message}});
  } catch (const std::exception& e) {
    log::warn("a run's lease could not be extended", {{"error", e.what()}});
  }
}

Result<std::vector<RunRecord>> Syncer::Turn::end() {
  std::vector<RunRecord> records;
  bool all_busy = !accounts.empty();
  for (auto& [organization, run] : runs) {
    const Tally& tally = tallies[organization];
    all_busy = all_busy && tally.good + tally.bad + tally.interrupted == 0;
    run.status = stopping ? "interrupted" : status_of(tally);
    if (run.status == "succeeded" && trouble) run.status = run.accounts > 0 ? "partial" : "failed";
    run.limited = limited();
    run.finished_at = syncer.clock_.now();
    for (const StreamRecord& stream : run.streams) {
      if (run.error || stream.stream != "account" || stream.error.empty()) continue;
      run.error = stream.account + ": " + stream.error;
    }
    records.push_back(std::move(run));
  }
  const auto ended = syncer.db_.transact([&](pg::Tx& tx) -> Result<void> {
    for (const RunRecord& run : records) runs_store::end(tx, run);
    return {};
  });
  if (!ended) return ended.error();
  if (all_busy && !stopping) {
    return Error{Kind::refused, "sync_running",
                 "another run syncs these accounts; watch it at /api/sync/runs"};
  }
  return records;
}

Syncer::Syncer(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
               const Clock& clock, Settings settings)
    : db_(db), client_(client), appliers_(appliers), clock_(clock), settings_(settings) {
  CHECK(settings.accounts_at_once > 0);
}

Result<std::vector<access::ConnectedAccount>> Syncer::accounts_of(const Options& options) {
  std::vector<access::ConnectedAccount> wanted;
  std::string after;
  for (bool more = true; more;) {
    const auto some =
        db_.transact([&](pg::Tx& tx) -> Result<std::vector<access::ConnectedAccount>> {
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
  // The rows of another platform would be taken for this one's. While Stripe does not say whose the
  // key is, the run goes on: what it can't read, it tells.
  std::optional<Error> unknown = another_platform(db_, own_account_);
  const bool nothing_to_read = unknown.has_value();
  if (nothing_to_read) log::error("nothing is synced", {{"why", unknown->message}});
  if (!unknown && !options.account && !options.verify_only) unknown = discover();
  using Accounts = Result<std::vector<access::ConnectedAccount>>;
  auto accounts = nothing_to_read ? Accounts(Accounts::value_type{}) : accounts_of(options);
  if (!accounts) return accounts.error();
  std::optional<Trouble> trouble;
  if (unknown) trouble = {platform_of(db_), unknown->message};

  Turn turn(*this, options, *std::move(accounts), trouble);
  if (turn.runs.empty() && trouble) turn.run_of(trouble->platform);
  if (auto begun = turn.begin(); !begun) return begun.error();
  const std::size_t wanted =
      std::min(turn.accounts.size(), static_cast<std::size_t>(settings_.accounts_at_once));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < wanted; ++i) threads.emplace_back([&turn] { turn.work(); });
  turn.watch();
  if (turn.stopping) turn.lister.stop();
  for (std::thread& thread : threads) thread.join();
  auto runs = turn.end();
  // The run read nothing, and the caller may try again.
  if (runs && unknown && turn.accounts.empty() && !options.organization) return *unknown;
  return runs;
}

// Why not all accounts are known.
std::optional<Error> Syncer::discover() {
  const auto found = discover_accounts(db_, client_, settings_.livemode);
  if (!found) {
    log::warn("Stripe's accounts could not be read", {{"error", found.error().message}});
    return found.error();
  }
  if (found->joined > 0) log::info("accounts joined", {{"count", found->joined}});
  if (found->trouble.empty()) return std::nullopt;
  log::warn("not all of Stripe's accounts could be read",
            {{"refused", found->refused}, {"why", found->trouble}});
  return Error{Kind::upstream, "accounts_incomplete", found->trouble};
}

}  // namespace payoutd::sync
