#include "webhooks/inbox_writer.h"

#include <vector>

#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

using std::chrono::days;

// Stripe lists and resends events for 30 days; what is older, or of the future, is set aside. No
// week is dropped that may still take an event: see drop_old_weeks.
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

}  // namespace

InboxWriter::InboxWriter(pg::Database& db, const Clock& clock, const Placement& placement)
    : db_(db), clock_(clock), placement_(placement) {}

StoredBatch InboxWriter::store(std::span<Received> events) {
  StoredBatch batch;
  std::set<std::int64_t> weeks_made;
  const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
    learn_accounts(tx, events);
    weeks_made.clear();
    std::vector<const Received*> inside;
    std::vector<const Received*> outside;
    for (Received& event : events) {
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
    batch.stored = inside.empty() ? 0 : InboxStore::insert(tx, inside);
    batch.set_aside = outside.empty() ? 0 : InboxStore::set_aside(tx, outside);
    ask_for_accounts(tx, events, clock_.now());
    return {};
  });
  if (!done) throw pg::Lost(done.error().message);
  weeks_.insert(weeks_made.begin(), weeks_made.end());
  return batch;
}

void InboxWriter::learn_accounts(pg::Tx& tx, std::span<const Received> events) {
  const auto now = std::chrono::steady_clock::now();
  if (now - owners_read_ > std::chrono::seconds(30)) {
    owners_.clear();
    owners_read_ = now;
  }
  pg::Array<std::string> unknown;
  for (const Received& event : events) {
    if (!owners_.contains(event.head.account)) unknown.add(event.head.account);
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

// An event of an unknown account is kept by the platform, which is who receives it. False when
// there is no platform yet.
bool InboxWriter::place(Received& event) const {
  if (!platform_) return false;
  const auto owner = owners_.find(event.head.account);
  const bool known = owner != owners_.end();
  event.organization = known ? owner->second.organization : *platform_;
  if (known) event.head.account = owner->second.account;
  if (placement_.livemode && event.head.livemode != *placement_.livemode) {
    event.disposition = Disposition::other_mode;
  } else if (!known) {
    event.disposition = Disposition::unknown_account;
  } else {
    event.disposition =
        placement_.handles(event.head.type) ? Disposition::apply : Disposition::unhandled;
  }
  return true;
}

bool InboxWriter::in_range(Time created) const {
  const Time now = clock_.now();
  return created >= now - kOldest && created <= now + kNewest;
}

}  // namespace payoutd::webhooks
