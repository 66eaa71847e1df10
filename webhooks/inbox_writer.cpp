#include "webhooks/inbox_writer.h"

#include <vector>

#include "pg/outage.h"
#include "webhooks/event_types.h"
#include "webhooks/unknown_accounts.h"
#include "webhooks/weeks.h"

namespace payoutd::webhooks {
namespace {

using std::chrono::days;

std::int64_t week_of(Time time) {
  // 1970-01-05 was a Monday.
  const auto day = std::chrono::floor<days>(time).time_since_epoch().count();
  return (day - 4 + 7) / 7;
}

}  // namespace

InboxWriter::InboxWriter(pg::Database& db, const Clock& clock, std::optional<bool> livemode)
    : db_(db), clock_(clock), livemode_(livemode) {}

StoredBatch InboxWriter::store(std::span<Received> events) {
  StoredBatch batch;
  std::string_view why;
  const auto homeless = weeks_that_can_not_be_made(events, why);
  const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
    batch = {};
    batch.why_refused = why;
    learn_accounts(tx, events);
    std::vector<const Received*> inside;
    std::vector<const Received*> outside;
    for (std::size_t i = 0; i < events.size(); ++i) {
      Received& event = events[i];
      if (!place(event)) {
        return Error{Kind::retry, "not_set_up", "no platform organization yet"};
      }
      if (!in_range(event.head.created)) outside.push_back(&event);
      else if (homeless.contains(week_of(event.head.created))) batch.refused.push_back(i);
      else inside.push_back(&event);
    }
    batch.stored = inside.empty() ? 0 : inbox_store::insert(tx, inside);
    batch.set_aside = outside.empty() ? 0 : inbox_store::set_aside(tx, outside);
    ask_for_accounts(tx, events, clock_.now());
    return {};
  });
  if (!done) throw pg::Lost(done.error().message);
  return batch;
}

// Weeks are made ahead, so that this has something to do only when nobody did: after a long sleep,
// or when the clock was moved.
std::set<std::int64_t> InboxWriter::weeks_that_can_not_be_made(std::span<const Received> events,
                                                               std::string_view& why) {
  std::set<std::int64_t> refused;
  for (const Received& event : events) {
    const auto week = week_of(event.head.created);
    if (!in_range(event.head.created) || weeks_.contains(week) || refused.contains(week)) continue;
    try {
      make_week_at_once(db_, event.head.created);
      weeks_.insert(week);
    } catch (const pg::Busy& e) {
      failing_.write(log::Level::error,
                     "a week of the inbox could not be made; its events are refused", e.what(),
                     {{"error", e.what()}});
      why = pg::outage_of(e)->reason;
      refused.insert(week);
    }
  }
  return refused;
}

void InboxWriter::learn_accounts(pg::Tx& tx, std::span<const Received> events) {
  const auto now = std::chrono::steady_clock::now();
  if (now - owners_read_ > std::chrono::seconds(30)) {
    owners_.clear();
    owners_read_ = now;
  }
  std::vector<std::string> unknown;
  for (const Received& event : events) {
    if (!owners_.contains(event.head.account)) unknown.push_back(event.head.account);
  }
  if (unknown.empty() && platform_) return;
  for (const inbox_store::Owner& owner : inbox_store::owners(tx, unknown)) {
    owners_.insert_or_assign(owner.account, owner);
    if (owner.is_platform) owners_.insert_or_assign("", owner);
  }
  if (const auto platform = inbox_store::platform(tx)) platform_ = platform;
}

// An event of an unknown account is kept by the platform, which is who receives it. False when
// there is no platform yet.
bool InboxWriter::place(Received& event) const {
  if (!platform_) return false;
  const auto owner = owners_.find(event.head.account);
  const bool known = owner != owners_.end();
  event.organization = known ? owner->second.organization : *platform_;
  if (known) event.head.account = owner->second.account;
  if (livemode_ && event.head.livemode != *livemode_) {
    event.disposition = Disposition::other_mode;
  } else if (!known) {
    event.disposition = Disposition::unknown_account;
  } else {
    event.disposition =
        find_event_type(event.head.type) ? Disposition::apply : Disposition::unhandled;
  }
  return true;
}

bool InboxWriter::in_range(Time created) const {
  const Time now = clock_.now();
  return created >= now - kOldestEvent && created <= now + kNewestEvent;
}

}  // namespace payoutd::webhooks
