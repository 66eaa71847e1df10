#include "webhooks/inbox.h"

#include <fmt/format.h>

#include "pg/outage.h"

namespace payoutd::webhooks {
namespace {

// In words for whoever looks at Stripe's deliveries.
std::string_view reason_of(const std::exception& error) {
  if (const auto outage = pg::outage_of(error)) return outage->reason;
  if (dynamic_cast<const pg::InDoubt*>(&error) != nullptr)
    return "the database was lost at the end, and it is not known whether it was stored";
  if (dynamic_cast<const pg::SqlError*>(&error) != nullptr) return "the database refused it";
  return "something went wrong on our side";
}

}  // namespace

Inbox::Inbox(pg::Database& db, const Clock& clock, Options options)
    : db_(db), clock_(clock), options_(std::move(options)) {
  for (int i = 0; i < options_.writers; ++i) writers_.emplace_back([this] { write(); });
}

Inbox::~Inbox() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

bool Inbox::offer(EventHead head, std::string body, http::Hold& hold) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || events_.size() >= options_.max_waiting) {
    ++counts_.refused;
    return false;
  }
  events_.push_back({std::move(head), std::move(body), {}, {}});
  holds_.push_back(std::move(hold));
  wake_.notify_one();
  return true;
}

Inbox::Counts Inbox::counts() const {
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  counts.waiting = events_.size();
  return counts;
}

void Inbox::write() {
  InboxWriter writer(db_, clock_, options_.livemode);
  for (;;) {
    Batch batch = next_batch();
    if (batch.events.empty()) return;
    commit(writer, batch);
  }
}

Inbox::Batch Inbox::next_batch() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !events_.empty(); });
  Batch batch;
  std::size_t bytes = 0;
  while (!events_.empty() && batch.events.size() < options_.max_batch &&
         bytes < options_.max_batch_bytes) {
    bytes += events_.front().body.size();
    batch.events.push_back(std::move(events_.front()));
    batch.holds.push_back(std::move(holds_.front()));
    events_.pop_front();
    holds_.pop_front();
  }
  return batch;
}

void Inbox::commit(InboxWriter& writer, Batch& batch) {
  try {
    send(batch, store(writer, batch.events));
    options_.stored();
    if (failing_.over()) log::info("events are stored again");
  } catch (const pg::SqlError& e) {
    // An event of the batch can't be stored: each is tried alone, and only the bad one is refused.
    log::warn("a batch of events could not be stored; trying them one by one",
              {{"events", batch.events.size()}, {"error", e.what()}});
    commit_one_by_one(writer, batch);
  } catch (const std::exception& e) {
    // Away, busy, in doubt, or a conflict too many: what did commit is found again as a duplicate.
    tell(e, batch.events.size());
    for (http::Hold& hold : batch.holds) refuse(hold, reason_of(e));
  }
}

void Inbox::commit_one_by_one(InboxWriter& writer, Batch& batch) {
  // A database that is away for one event is not asked about each of the others.
  std::optional<std::string_view> away;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    if (away) {
      refuse(batch.holds[i], *away);
      continue;
    }
    try {
      const StoredBatch stored = store(writer, std::span(batch.events).subspan(i, 1));
      if (stored.refused.empty()) batch.holds[i].send();
      else refuse(batch.holds[i], stored.why_refused);
    } catch (const pg::Unavailable& e) {
      tell(e, batch.events.size() - i);
      away = reason_of(e);
      refuse(batch.holds[i], *away);
    } catch (const std::exception& e) {
      log::error("an event could not be stored",
                 {{"event", batch.events[i].head.id}, {"error", e.what()}});
      refuse(batch.holds[i], reason_of(e));
    }
  }
  options_.stored();
}

StoredBatch Inbox::store(InboxWriter& writer, std::span<Received> events) {
  StoredBatch batch = writer.store(events);
  const std::scoped_lock lock(mutex_);
  counts_.stored += batch.stored;
  counts_.set_aside += batch.set_aside;
  counts_.duplicates += events.size() - batch.stored - batch.set_aside - batch.refused.size();
  ++counts_.batches;
  return batch;
}

void Inbox::send(Batch& batch, const StoredBatch& stored) {
  if (stored.refused.empty()) return http::Hold::send_all(batch.holds);
  std::size_t next = 0;
  for (std::size_t i = 0; i < batch.holds.size(); ++i) {
    const bool refused = next < stored.refused.size() && stored.refused[next] == i;
    if (refused) refuse(batch.holds[i], stored.why_refused), ++next;
    else batch.holds[i].send();
  }
}

void Inbox::refuse(http::Hold& hold, std::string_view why) {
  hold.refuse({Kind::retry, "event_not_stored",
               fmt::format("the event could not be stored: {}; deliver it again", why)});
  const std::scoped_lock lock(mutex_);
  ++counts_.refused;
}

void Inbox::tell(const std::exception& error, std::size_t events) {
  failing_.write(log::Level::error, "events could not be stored", error.what(),
                 {{"events", events}, {"error", error.what()}});
}

}  // namespace payoutd::webhooks
