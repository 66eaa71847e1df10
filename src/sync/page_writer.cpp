#include "sync/page_writer.h"

#include <thread>

#include "base/log.h"
#include "mirror/event_types.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts.h"
#include "pg/outage.h"

namespace payoutd::sync {

namespace {

constexpr std::chrono::milliseconds kAfterLoss{250};

void refuse(StoredPage& page, const std::string& why) {
  ++page.counts.refused;
  if (page.refused.empty()) page.refused = why;
}

void count(StoredPage& page, const mirror::Verdict& verdict) {
  if (verdict.outcome == mirror::Outcome::applied)
    ++(verdict.created ? page.counts.created : page.counts.changed);
  if (verdict.outcome == mirror::Outcome::refused) refuse(page, verdict.error);
}

// A transaction's body may run more than once.
void begin_again(StoredPage& page) {
  page.counts.created = page.counts.changed = page.counts.refused = 0;
  page.refused.clear();
  page.events.clear();
  page.refetch.clear();
}

// Whether the event's object is to be fetched instead, since it can't be read as it stands: listed
// events keep the API version in which they were made.
bool is_fetched_instead(StoredPage& page, const ListedEvent& event, mirror::Version version) {
  const mirror::EventType* type = mirror::find_event_type(event.type);
  if (type == nullptr || type->calls != mirror::Calls::to_apply_object) return false;
  const auto why = mirror::misfit(type->shape, event.api_version, event.object);
  if (!why) return false;
  version.shown_at = event.created;
  auto refetch = mirror::fetch_instead(*type, *why, version);
  if (refetch) page.refetch.push_back(*std::move(refetch));
  else refuse(page, event.id + ": " + refetch.error().message);
  return true;
}

// Events of what nothing keeps are left out.
void add_events(const mirror::Appliers& appliers, StoredPage& page, mirror::Version version,
                std::vector<mirror::Version>& versions) {
  page.events.reserve(page.page.items.size());  // the versions point into it
  for (const std::string_view item : page.page.items) {
    auto event = read_event(item);
    if (!event) {
      refuse(page, event.error().message);
      continue;
    }
    if (is_fetched_instead(page, *event, version)) continue;
    if (!appliers.place_of(event->object_type)) continue;
    const ListedEvent& kept = page.events.emplace_back(*std::move(event));
    version.object = kept.object;
    version.shown_at = kept.created;
    version.source = mirror::Source::event;
    version.event_id = kept.id;
    version.event_type = kept.type;
    versions.push_back(version);
  }
}

void add_versions(const mirror::Appliers& appliers, StoredPage& page,
                  std::vector<mirror::Version>& versions) {
  begin_again(page);
  mirror::Version version{.organization = page.pass->target.organization,
                          .account = page.pass->target.account,
                          .shown_at = page.sent_at,
                          .listed_for_payout = page.payout};
  if (page.pass->stream.name == kEvents) return add_events(appliers, page, version, versions);
  for (const std::string_view item : page.page.items) {
    version.object = item;
    versions.push_back(version);
  }
}

// The run lists transactions by itself, and picks up those that a killed one left.
void enqueue(pg::Tx& tx, mirror::Applied& applied) {
  std::erase_if(applied.follow_ups, [](const mirror::FollowUp& follow_up) {
    return follow_up.kind == mirror::FollowUpKind::list_payout_transactions;
  });
  mirror::enqueue_follow_ups(tx, applied);
}

// With the last page of a payout's transactions all of them are there.
void note_transactions(pg::Tx& tx, const StoredPage& page) {
  if (page.payout.empty() || !page.done) return;
  payouts::transactions_were_listed(tx, page.pass->target.organization, page.pass->target.account,
                                    page.payout, page.sent_at);
}

// Throws what the database throws, and SqlError for text it can't keep; then nothing was stored.
void store_together(pg::Database& db, const mirror::Appliers& appliers,
                    const std::vector<StoredPage*>& pages) {
  const auto stored = db.transact([&](pg::Tx& tx) -> Result<void> {
    std::vector<mirror::Version> versions;
    std::vector<std::size_t> ends;
    for (StoredPage* page : pages) {
      add_versions(appliers, *page, versions);
      ends.push_back(versions.size());
    }
    mirror::Applied applied = mirror::apply(tx, appliers, versions);
    for (const StoredPage* page : pages)
      applied.refetch.insert(applied.refetch.end(), page->refetch.begin(), page->refetch.end());
    std::vector<cursors_store::RangeChange> changes;
    std::size_t at = 0;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      for (; at < ends[i]; ++at) count(*pages[i], applied.verdicts[at]);
      changes.insert(changes.end(), pages[i]->changes.begin(), pages[i]->changes.end());
    }
    cursors_store::save_ranges(tx, changes);
    for (const StoredPage* page : pages) note_transactions(tx, *page);
    enqueue(tx, applied);  // jobs are locked last
    return {};
  });
  if (!stored) throw pg::SqlError(stored.error().message, "22021");
}

void store_item_by_item(pg::Database& db, const mirror::Appliers& appliers, StoredPage& page) {
  const auto stored = db.transact([&](pg::Tx& tx) -> Result<void> {
    std::vector<mirror::Version> versions;
    add_versions(appliers, page, versions);
    mirror::Applied applied = mirror::apply_one_by_one(tx, appliers, versions);
    for (const mirror::Verdict& verdict : applied.verdicts) count(page, verdict);
    applied.refetch.insert(applied.refetch.end(), page.refetch.begin(), page.refetch.end());
    cursors_store::save_ranges(tx, page.changes);
    note_transactions(tx, page);
    enqueue(tx, applied);
    return {};
  });
  CHECK(stored.ok());
}

void store_some(pg::Database& db, const mirror::Appliers& appliers,
                std::vector<StoredPage*>& pages) {
  try {
    store_together(db, appliers, pages);
    return pages.clear();
  } catch (const pg::SqlError& e) {
    log::warn("pages could not be stored together; trying them one by one", {{"error", e.what()}});
  } catch (const Broken& e) {
    log::error("pages could not be stored together; trying them one by one", {{"error", e.what()}});
  }
  for (; !pages.empty(); pages.erase(pages.begin()))
    store_item_by_item(db, appliers, *pages.front());
}

struct Attempt {
  std::optional<Error> error{};
  bool again = true;  // the database may do it later
};

Attempt try_to_store(pg::Database& db, const mirror::Appliers& appliers,
                     std::vector<StoredPage*>& pages) {
  try {
    store_some(db, appliers, pages);
    return {};
  } catch (const pg::Busy& e) {
    return {Error{Kind::retry, std::string(pg::outage_of(e)->code), e.what()}};
  } catch (const pg::SqlError& e) {
    // The cursors were refused, which no page decides.
    return {Error{Kind::retry, "page_not_stored", e.what()}, false};
  } catch (const Broken& e) {
    return {Error{Kind::retry, "page_not_stored", e.what()}, false};
  } catch (const std::exception& e) {
    return {Error{Kind::retry, "database_lost", e.what()}};
  }
}

}  // namespace

std::optional<Error> store_pages(pg::Database& db, const mirror::Appliers& appliers,
                                 std::vector<StoredPage*>& pages,
                                 std::chrono::milliseconds patience,
                                 const std::function<bool()>& stopped) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!pages.empty()) {
    const Attempt attempt = try_to_store(db, appliers, pages);
    if (!attempt.error) continue;
    if (!attempt.again || stopped() || std::chrono::steady_clock::now() >= until) {
      for (StoredPage* page : pages)
        page->counts.created = page->counts.changed = page->counts.refused = 0;
      return attempt.error;
    }
    std::this_thread::sleep_for(kAfterLoss);
  }
  return std::nullopt;
}

}  // namespace payoutd::sync
