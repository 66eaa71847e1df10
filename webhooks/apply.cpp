#include "webhooks/apply.h"

#include "base/log.h"
#include "webhooks/queue_store.h"

namespace payoutd::webhooks {
namespace {

// Other instances store events too, so the queue is looked at without a nudge.
constexpr std::chrono::seconds kIdle{1};

const pg::Query kBacklog{"inbox_backlog", R"sql(
  SELECT count(*) AS waiting,
         coalesce(extract(epoch FROM now() - min(queued_at)), 0)::text AS oldest,
         (SELECT count(*) FROM inbox_failures) AS failed
    FROM inbox_queue)sql", pg::Tenancy::global};

// Reads the events, one by one, and writes what they hold as a set. `failures` gets what can't be
// applied; a SqlError means that one of them can't be written.
mirror::Applied apply_events(pg::Tx& tx, const mirror::Appliers& appliers,
                             std::span<StoredEvent> events, std::vector<Failure>& failures) {
  std::vector<mirror::Version> versions;
  std::vector<const StoredEvent*> version_events;
  Work work{tx, versions};
  for (StoredEvent& event : events) {
    const EventType* type = find_event_type(event.type);
    // Stored by a version of the program that knew the type.
    if (type == nullptr) continue;
    auto done = find_object(event);
    if (done) done = type->handle(event, work);
    if (!done) failures.push_back({&event, done.error().message});
    if (versions.size() > version_events.size()) version_events.push_back(&event);
  }
  mirror::Applied applied = mirror::apply(tx, appliers, versions);
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const mirror::Verdict& verdict = applied.verdicts[i];
    if (verdict.outcome == mirror::Outcome::refused)
      failures.push_back({version_events[i], verdict.error});
  }
  return applied;
}

}  // namespace

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
    try {
      applied = apply_batch();
    } catch (const std::exception& e) {
      log::warn("events could not be applied; they stay queued", {{"error", e.what()}});
    }
    if (applied > 0) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kIdle, [&] { return nudges_ != seen; });
    seen = nudges_;
  }
}

std::size_t ApplyWorkers::apply_batch() {
  std::size_t taken = 0;
  std::size_t failed = 0;
  try {
    const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
      std::vector<StoredEvent> events = QueueStore::take(tx, options_.batch);
      taken = events.size();
      failed = 0;
      if (events.empty()) return {};
      std::vector<Failure> failures;
      const mirror::Applied applied = apply_events(tx, appliers_, events, failures);
      if (options_.follow_up) options_.follow_up(tx, applied);
      if (!failures.empty()) QueueStore::set_aside(tx, failures);
      failed = failures.size();
      return {};
    });
    // Text that PostgreSQL can't keep came with one of the events.
    if (!done) return apply_one_by_one();
  } catch (const pg::SqlError& e) {
    log::warn("a set of events could not be applied; trying them one by one",
              {{"error", e.what()}});
    return apply_one_by_one();
  } catch (const Broken& e) {
    log::error("a set of events could not be applied; trying them one by one",
               {{"error", e.what()}});
    return apply_one_by_one();
  }
  const std::scoped_lock lock(mutex_);
  counts_.applied += taken - failed;
  counts_.failed += failed;
  counts_.batches += taken > 0 ? 1 : 0;
  return taken;
}

// One event spoils its set: each is applied in a savepoint of its own, and the bad one set aside.
std::size_t ApplyWorkers::apply_one_by_one() {
  std::size_t taken = 0;
  std::size_t failed = 0;
  const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
    std::vector<StoredEvent> events = QueueStore::take(tx, options_.batch);
    taken = events.size();
    std::vector<Failure> failures;
    for (StoredEvent& event : events) {
      std::vector<Failure> refused;
      const auto error = tx.attempt([&] {
        try {
          const mirror::Applied applied = apply_events(tx, appliers_, {&event, 1}, refused);
          if (options_.follow_up) options_.follow_up(tx, applied);
        } catch (const Broken& e) {
          throw pg::SqlError(e.what(), "P0001");  // rolls the savepoint back, like any other
        }
      });
      if (error) refused = {{&event, error->what()}};
      failures.insert(failures.end(), refused.begin(), refused.end());
    }
    if (!failures.empty()) QueueStore::set_aside(tx, failures);
    failed = failures.size();
    return {};
  });
  if (!done) throw pg::Lost(done.error().message);
  log::error("events were set aside; see `payoutd events list --failed`", {{"events", failed}});
  const std::scoped_lock lock(mutex_);
  counts_.applied += taken - failed;
  counts_.failed += failed;
  ++counts_.batches;
  return taken;
}

Backlog backlog(pg::Database& db) {
  auto read = db.read([](pg::Tx& tx) -> Result<Backlog> {
    const pg::Row row = tx.exec(kBacklog).one();
    return Backlog{row.get<std::int64_t>("waiting"), std::stod(row.get<std::string>("oldest")),
                   row.get<std::int64_t>("failed")};
  });
  CHECK(read);
  return *read;
}

}  // namespace payoutd::webhooks
