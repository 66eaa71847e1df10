#include "webhooks/inbox.h"

#include <algorithm>

#include "base/log.h"

namespace payoutd::webhooks {
namespace {

using std::chrono::days;

// Stripe lists and resends events for 30 days; what is older, or of the future, is set aside. No week
// is dropped that may still take an event: see drop_old_weeks.
constexpr days kOldest{30};
constexpr days kNewest{2};

const pg::Query kOwners{"inbox_owners", R"sql(
  SELECT stripe_account_id, organization_id, livemode, is_platform
    FROM connected_accounts
   WHERE stripe_account_id = ANY ($1::text[]) OR is_platform)sql", pg::Tenancy::global};

const pg::Query kPlatform{"inbox_platform", R"sql(
  SELECT id FROM organizations WHERE is_platform)sql", pg::Tenancy::global};

std::int64_t week_of(Time time) {
  // 1970-01-05 was a Monday.
  const auto day = std::chrono::floor<days>(time).time_since_epoch().count();
  return (day - 4 + 7) / 7;
}

http::Reply unavailable() {
  return http::error_reply(
      Error{Kind::retry, "event_not_stored", "the event could not be stored; deliver it again"}, "");
}

}  // namespace

Inbox::Inbox(pg::Database& db, const Clock& clock, Options options)
    : db_(db), clock_(clock), options_(std::move(options)), writer_([this] { run(); }) {}

Inbox::~Inbox() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

bool Inbox::offer(EventHead head, std::string body, http::Hold& hold) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || waiting_.size() >= options_.max_waiting) {
    ++counts_.refused;
    return false;
  }
  waiting_.push_back({{std::move(head), std::move(body), {}, {}}, std::move(hold)});
  if (waiting_.size() == 1) wake_.notify_one();
  return true;
}

Inbox::Counts Inbox::counts() const {
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  counts.waiting = waiting_.size();
  return counts;
}

void Inbox::run() {
  for (;;) {
    std::vector<Waiting> batch = next_batch();
    if (batch.empty()) return;
    commit(batch);
  }
}

std::vector<Inbox::Waiting> Inbox::next_batch() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  std::vector<Waiting> batch;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < options_.max_batch && bytes < options_.max_batch_bytes) {
    bytes += waiting_.front().event.body.size();
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

void Inbox::commit(std::vector<Waiting>& batch) {
  try {
    store(batch, 0, batch.size());
    std::vector<http::Hold> holds;
    holds.reserve(batch.size());
    for (Waiting& one : batch) holds.push_back(std::move(one.hold));
    http::Hold::send_all(holds);
    options_.stored();
  } catch (const pg::SqlError& e) {
    // One event of the batch can't be stored: each is tried alone, and only the bad one is refused.
    log::warn("a batch of events could not be stored; trying them one by one",
              {{"events", batch.size()}, {"error", e.what()}});
    commit_one_by_one(batch);
  } catch (const std::exception& e) {
    // Lost, in doubt, or a conflict too many: whatever did commit is found again as a duplicate.
    log::error("events could not be stored", {{"events", batch.size()}, {"error", e.what()}});
    for (Waiting& one : batch) one.hold.replace(unavailable());
    const std::scoped_lock lock(mutex_);
    counts_.refused += batch.size();
  }
}

void Inbox::commit_one_by_one(std::vector<Waiting>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    try {
      store(batch, i, i + 1);
      batch[i].hold.send();
    } catch (const std::exception& e) {
      log::error("an event could not be stored", {{"event", batch[i].event.head.id}, {"error", e.what()}});
      batch[i].hold.replace(unavailable());
      const std::scoped_lock lock(mutex_);
      ++counts_.refused;
    }
  }
  options_.stored();
}

void Inbox::store(std::vector<Waiting>& batch, std::size_t from, std::size_t to) {
  std::size_t stored = 0;
  std::size_t aside = 0;
  std::set<std::int64_t> weeks_made;
  const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
    learn_accounts(tx, batch, from, to);
    weeks_made.clear();
    std::vector<const Received*> inside;
    std::vector<const Received*> outside;
    for (std::size_t i = from; i < to; ++i) {
      Received& event = batch[i].event;
      if (!place(event)) {
        return Error{Kind::retry, "not_set_up", "no platform organization yet"};
      }
      (in_range(event.head.created) ? inside : outside).push_back(&event);
    }
    for (const Received* event : inside) {
      const auto week = week_of(event->head.created);
      if (weeks_.contains(week) || !weeks_made.insert(week).second) continue;
      InboxStore::ensure_week(tx, event->head.created);
    }
    stored = inside.empty() ? 0 : InboxStore::insert(tx, inside);
    aside = outside.empty() ? 0 : InboxStore::set_aside(tx, outside);
    return {};
  });
  if (!done) throw pg::Lost(done.error().message);
  weeks_.insert(weeks_made.begin(), weeks_made.end());
  const std::scoped_lock lock(mutex_);
  counts_.stored += stored;
  counts_.set_aside += aside;
  counts_.duplicates += (to - from) - stored - aside;
  ++counts_.batches;
}

void Inbox::learn_accounts(pg::Tx& tx, const std::vector<Waiting>& batch, std::size_t from,
                           std::size_t to) {
  const auto now = std::chrono::steady_clock::now();
  if (now - owners_read_ > std::chrono::seconds(30)) {
    owners_.clear();
    owners_read_ = now;
  }
  pg::Array<std::string> unknown;
  for (std::size_t i = from; i < to; ++i) {
    const std::string& account = batch[i].event.head.account;
    if (!owners_.contains(account)) unknown.add(account);
  }
  if (unknown.size() == 0 && platform_) return;
  for (const pg::Row row : tx.exec(kOwners, unknown)) {
    const auto account = row.get<std::string>("stripe_account_id");
    const Owner owner{row.get<OrgId>("organization_id"), account};
    owners_.insert_or_assign(account, owner);
    if (row.get<bool>("is_platform")) owners_.insert_or_assign("", owner);
  }
  if (const auto row = tx.exec(kPlatform).maybe()) platform_ = row->get<OrgId>("id");
}

// Says whose event it is and whether it may be applied. An event of an unknown account is kept by the
// platform, which is who receives it. False when there is no platform yet.
bool Inbox::place(Received& event) const {
  if (!platform_) return false;
  const auto owner = owners_.find(event.head.account);
  if (owner == owners_.end()) {
    event.organization = *platform_;
    event.disposition = Disposition::unknown_account;
    return true;
  }
  event.organization = owner->second.organization;
  event.head.account = owner->second.account;
  if (options_.livemode && event.head.livemode != *options_.livemode) {
    event.disposition = Disposition::other_mode;
  } else {
    event.disposition = options_.handles(event.head.type) ? Disposition::apply : Disposition::unhandled;
  }
  return true;
}

bool Inbox::in_range(Time created) const {
  const Time now = clock_.now();
  return created >= now - kOldest && created <= now + kNewest;
}

}  // namespace payoutd::webhooks
