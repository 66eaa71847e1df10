#include "webhooks/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

// Other instances store events too, so the queue is looked at without a nudge.
constexpr std::chrono::seconds kIdle{1};

constexpr std::size_t kMostWaits = 5;
constexpr int kHurriedMs = 1'000;  // for a statement, once many have waited
constexpr std::chrono::seconds kBusyPause{2};

// Reads the events, one by one, and writes what they hold as a set. `failures` gets what can't be
// applied; a SqlError means that one of them can't be written. Those whose object is fetched wait.
ToEnqueue apply_events(pg::Tx& tx, const mirror::Appliers& appliers, std::span<StoredEvent> events,
                       std::vector<Failure>& failures) {
  Work work;
  std::vector<const StoredEvent*> version_events, fetched;
  for (StoredEvent& event : events) {
    if (auto read = read_event(event, work); !read) {
      failures.push_back({&event, read.error().message});
    }
    if (work.versions.size() > version_events.size()) version_events.push_back(&event);
    if (work.refetch.size() > fetched.size()) fetched.push_back(&event);
  }
  mirror::Applied applied = mirror::apply(tx, appliers, work.versions);
  for (std::size_t i = 0; i < work.versions.size(); ++i) {
    const mirror::Verdict& verdict = applied.verdicts[i];
    if (verdict.outcome == mirror::Outcome::refused)
      failures.push_back({version_events[i], verdict.error});
  }
  applied.refetch.insert(applied.refetch.end(), work.refetch.begin(), work.refetch.end());
  if (!fetched.empty()) queue_store::delay(tx, fetched, kFetchTakes);
  return {std::move(applied), std::move(work.connected)};
}

// After all rows are written: jobs are locked last.
void enqueue(pg::Tx& tx, const ToEnqueue& wanted) {
  for (const std::string& account : wanted.connected) ask_for_connected(tx, account);
  mirror::enqueue_after_events(tx, wanted.applied);
}

std::size_t fetched_instead(const mirror::Applied& applied) {
  return static_cast<std::size_t>(std::ranges::count_if(
      applied.refetch, [](const mirror::Refetch& refetch) { return refetch.event.has_value(); }));
}

}  // namespace

bool end_fetch(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event,
               const Error* failed) {
  if (failed == nullptr) return queue_store::fetched(tx, organization, event);
  const std::string error =
      fmt::format("{}; it was to be fetched instead: {}", event.misfit, failed->message);
  const bool waited = queue_store::not_fetched(tx, organization, event, error);
  if (waited) log::error("an event failed", {{"event", event.id}, {"error", error}});
  return waited;
}

ApplyWorkers::ApplyWorkers(pg::Database& db, const mirror::Appliers& appliers, Options options)
    : db_(db), appliers_(appliers), options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { run(std::move(stop)); });
  }
}

ApplyWorkers::~ApplyWorkers() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void ApplyWorkers::nudge() {
  {
    const std::scoped_lock lock(mutex_);
    ++nudges_;
  }
  wake_.notify_one();
}

ApplyWorkers::Counts ApplyWorkers::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

void ApplyWorkers::run(std::stop_token stop) {
  std::uint64_t seen = 0;
  while (!stop.stop_requested()) {
    std::size_t applied = 0;
    bool failed = false;
    try {
      applied = apply_batch();
    } catch (const std::exception& e) {
      failing_.write(log::Level::warn, "events could not be applied; they stay queued", e.what(),
                     {{"error", e.what()}});
      failed = true;
      know({});  // it may be another database by now, or one from a backup
    }
    if (applied > 0) {
      if (failing_.over()) log::info("events are applied again");
      continue;
    }
    std::unique_lock lock(mutex_);
    // After a failure the whole pause is kept, however many events come meanwhile.
    wake_.wait_for(lock, stop, kIdle, [&] { return !failed && nudges_ != seen; });
    seen = nudges_;
  }
}

std::size_t ApplyWorkers::apply_batch() {
  std::size_t done = 0;
  if (delayed_are_due()) {
    const Tally again = apply_one_by_one(
        [this](pg::Tx& tx) { return queue_store::take_delayed(tx, options_.batch); });
    done = count(again) - again.delayed;
    // Whatever they waited for is over: the rest follow at once.
    if (again.delayed == 0 && again.taken == static_cast<std::size_t>(options_.batch))
      delayed_are_due_now();
  }
  if (const auto set = apply_set()) return done + count(*set);
  return done + count(apply_one_by_one([this](pg::Tx& tx) { return take(tx); }));
}

std::vector<StoredEvent> ApplyWorkers::take(pg::Tx& tx) {
  QueueHead head = queue_store::head(tx, known_head());
  auto events = queue_store::take(tx, head, options_.batch);
  know(std::move(head));
  return events;
}

// Returns nothing where one of the events spoils the set or waits for a lock; then no event was
// applied.
std::optional<ApplyWorkers::Tally> ApplyWorkers::apply_set() {
  Tally tally;
  const auto take_apart = [this](const char* why) {
    apart_.write(log::Level::warn, "a set of events could not be applied; trying them one by one",
                 why, {{"error", why}});
    return std::nullopt;
  };
  try {
    const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
      tx.limit_lock_wait(options_.set_lock_timeout_ms);
      std::vector<StoredEvent> events = take(tx);
      tally = {.taken = events.size()};
      if (events.empty()) return {};
      std::vector<Failure> failures;
      const ToEnqueue wanted = apply_events(tx, appliers_, events, failures);
      if (!failures.empty()) queue_store::keep_failed(tx, failures);
      enqueue(tx, wanted);
      tally.failed = failures.size();
      tally.fetched = fetched_instead(wanted.applied);
      return {};
    });
    // Text that PostgreSQL can't keep came with one of the events.
    if (!done) return take_apart(done.error().message.c_str());
    return tally;
  } catch (const pg::SqlError& e) {
    return take_apart(e.what());
  } catch (const pg::Busy& e) {
    return take_apart(e.what());
  } catch (const pg::Conflict& e) {
    return take_apart(e.what());
  } catch (const Broken& e) {
    return take_apart(e.what());
  }
}

// Each event in a savepoint of its own: the bad one fails, the one that waits for a lock is
// delayed, and the others are applied.
ApplyWorkers::Tally ApplyWorkers::apply_one_by_one(const Take& take) {
  Tally tally;
  const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
    std::vector<StoredEvent> events = take(tx);
    Rest rest;
    apply_alone(tx, events, rest);
    if (!rest.busy.empty()) queue_store::delay(tx, rest.busy, kBusyPause);
    enqueue_each(tx, rest);
    if (!rest.failures.empty()) queue_store::keep_failed(tx, rest.failures);
    tally = {events.size(), rest.failures.size(), rest.busy.size(), rest.fetched};
    return {};
  });
  if (!done) throw pg::Lost(done.error().message);
  if (tally.failed > 0) {
    log::error("events failed; see `payoutd events list --state failed`",
               {{"events", tally.failed}});
  }
  if (tally.delayed > 0) {
    waiting_.write(log::Level::warn, "events wait for what the database is busy with", "",
                   {{"events", tally.delayed}});
  }
  return tally;
}

void ApplyWorkers::apply_alone(pg::Tx& tx, std::span<StoredEvent> events, Rest& rest) {
  tx.limit_lock_wait(options_.event_lock_timeout_ms);
  for (StoredEvent& event : events) {
    if (apply_alone(tx, event, rest)) continue;
    rest.busy.push_back(&event);
    // Many wait for the same: no further one is worth the time of the others.
    if (rest.busy.size() == kMostWaits) {
      tx.limit_lock_wait(1);
      tx.limit_statements(kHurriedMs);
    }
  }
  tx.usual_limits();
}

// False: the database can't do it now.
bool ApplyWorkers::apply_alone(pg::Tx& tx, StoredEvent& event, Rest& rest) {
  std::vector<Failure> refused;
  ToEnqueue wanted;
  std::optional<pg::SqlError> error;
  try {
    error = tx.attempt([&] {
      try {
        wanted = apply_events(tx, appliers_, {&event, 1}, refused);
      } catch (const Broken& e) {
        throw pg::SqlError(e.what(), "P0001");  // rolls the savepoint back, like any other
      }
    });
  } catch (const pg::Busy& e) {
    log::debug("an event waits", {{"event", event.id}, {"error", e.what()}});
    return false;
  }
  if (error) {
    refused = {{&event, error->what()}};
  } else {
    rest.fetched += fetched_instead(wanted.applied);
    rest.wanted.emplace_back(&event, std::move(wanted));
  }
  rest.failures.insert(rest.failures.end(), refused.begin(), refused.end());
  return true;
}

// All of them together; where jobs of one can't be stored, that event has failed, although its
// objects stay applied.
void ApplyWorkers::enqueue_each(pg::Tx& tx, Rest& rest) {
  ToEnqueue all;
  for (const auto& [event, wanted] : rest.wanted) {
    all.applied.take_follow_ups(mirror::Applied(wanted.applied));
    all.connected.insert(all.connected.end(), wanted.connected.begin(), wanted.connected.end());
  }
  if (!tx.attempt([&] { enqueue(tx, all); })) return;
  for (const auto& [event, wanted] : rest.wanted) {
    const auto error = tx.attempt([&] { enqueue(tx, wanted); });
    if (!error) continue;
    rest.failures.push_back({event, error->what()});
    rest.fetched -= fetched_instead(wanted.applied);
  }
}

bool ApplyWorkers::delayed_are_due() {
  const auto now = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  if (delayed_taken_ != std::chrono::steady_clock::time_point{} && now - delayed_taken_ < kIdle) {
    return false;
  }
  delayed_taken_ = now;
  return true;
}

void ApplyWorkers::delayed_are_due_now() {
  const std::scoped_lock lock(mutex_);
  delayed_taken_ = {};
}

QueueHead ApplyWorkers::known_head() const {
  const std::scoped_lock lock(mutex_);
  return head_;
}

void ApplyWorkers::know(QueueHead head) {
  const std::scoped_lock lock(mutex_);
  head_ = std::move(head);
}

std::size_t ApplyWorkers::count(const Tally& tally) {
  const std::scoped_lock lock(mutex_);
  counts_.applied += tally.taken - tally.failed - tally.delayed - tally.fetched;
  counts_.fetched += tally.fetched;
  counts_.failed += tally.failed;
  counts_.delayed += tally.delayed;
  counts_.batches += tally.taken > 0 ? 1 : 0;
  return tally.taken;
}

QueueBacklog ApplyWorkers::backlog(pg::Tx& tx) const {
  return queue_store::backlog(tx, known_head());
}

}  // namespace payoutd::webhooks
