#include "webhooks/event_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/connected_accounts.h"
#include "mirror/mirror_jobs.h"
#include "webhooks/event.h"
#include "webhooks/event_log_store.h"
#include "webhooks/event_types.h"
#include "webhooks/queue_store.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

using event_log_store::Kept;

// Picks of several copies one that was not applied.
const Kept& to_replay(const std::vector<Kept>& found) {
  const auto waits =
      std::ranges::find_if(found, [](const Kept& kept) { return kept.event.state != "applied"; });
  return waits == found.end() ? found.front() : *waits;
}

Error not_found(const std::string& event_id) {
  return Error{
      Kind::missing, "event_not_found",
      fmt::format("no event {} is stored (events are kept for at least 30 days)", event_id)};
}

Result<access::ConnectedAccount> owner_of(pg::Tx& tx, const LoggedEvent& event,
                                          std::optional<bool> livemode) {
  const auto owner = access::find_account(tx, event.account);
  if (!owner) {
    return Error{Kind::unprocessable, "account_unknown",
                 fmt::format("the account {} belongs to no organization yet", event.account)};
  }
  const bool ours = livemode.value_or(owner->livemode);
  if (event.livemode != ours) {
    return Error{Kind::refused, "event_of_other_mode",
                 fmt::format("the event is of {} mode, and this installation is of {} mode",
                             event.livemode ? "live" : "test", ours ? "live" : "test")};
  }
  return *owner;
}

enum class Replayed { applied, waits };  // for its object, which is fetched

Result<Replayed> apply_now(pg::Tx& tx, const mirror::Appliers& appliers, StoredEvent& event) {
  Work work;
  if (auto read = read_event(event, work); !read) return read.error();
  mirror::Applied applied = mirror::apply(tx, appliers, work.versions);
  for (const mirror::Verdict& verdict : applied.verdicts) {
    if (verdict.outcome == mirror::Outcome::refused) {
      return Error{Kind::unprocessable, "event_refused", verdict.error};
    }
  }
  applied.refetch.insert(applied.refetch.end(), work.refetch.begin(), work.refetch.end());
  for (const std::string& account : work.connected) ask_for_connected(tx, account);
  mirror::enqueue_after_events(tx, applied);
  return work.refetch.empty() ? Replayed::applied : Replayed::waits;
}

// The event is its owner's from now on, once, however many copies were kept and where.
void settle(pg::Tx& tx, const std::vector<Kept>& copies, OrgId owner, Replayed replayed) {
  const bool some_inside = std::ranges::any_of(copies, &Kept::inside);
  for (const Kept& kept : copies) {
    const LoggedEvent& event = kept.event;
    event_log_store::take_off(tx, event);
    const bool stays = kept.inside == some_inside;
    if (stays) {
      event_log_store::give_to(tx, kept, owner, replayed == Replayed::applied);
    }
    if (stays && event.organization == owner) continue;
    event_log_store::remove(tx, kept);
  }
}

Result<LoggedEvent> apply_again(pg::Tx& tx, const mirror::Appliers& appliers,
                                std::optional<bool> livemode, const std::vector<Kept>& copies) {
  const Kept& kept = to_replay(copies);
  LoggedEvent event = kept.event;
  if (find_event_type(event.type) == nullptr) {
    return Error{Kind::unprocessable, "event_unhandled",
                 "nothing handles events of type " + event.type};
  }
  const auto owner = owner_of(tx, event, livemode);
  if (!owner) return owner.error();
  StoredEvent stored{.organization = owner->organization,
                     .id = event.id,
                     .type = event.type,
                     .account = event.account,
                     .created = event.created,
                     .api_version = kept.api_version,
                     .body = event.body};
  const auto replayed = apply_now(tx, appliers, stored);
  if (!replayed) return replayed.error();
  settle(tx, copies, owner->organization, *replayed);
  event.organization = owner->organization;
  event.error.clear();
  if (*replayed == Replayed::applied) {
    event.state = "applied";
  } else if (std::ranges::any_of(copies, &Kept::inside)) {
    const StoredEvent* waits = &stored;
    queue_store::delay(tx, {&waits, 1}, kFetchTakes);
    event.state = "pending";
  } else {
    event.state = "out_of_range";
  }
  return event;
}

}  // namespace

Result<std::vector<LoggedEvent>> list_events(pg::Database& db, const EventFilter& filter) {
  return db.read([&](pg::Tx& tx) -> Result<std::vector<LoggedEvent>> {
    return event_log_store::list(tx, filter);
  });
}

Result<std::vector<LoggedEvent>> find_events(pg::Database& db, const std::string& event_id) {
  return db.read([&](pg::Tx& tx) -> Result<std::vector<LoggedEvent>> {
    std::vector<LoggedEvent> events;
    for (Kept& kept : event_log_store::find(tx, event_id)) events.push_back(std::move(kept.event));
    if (events.empty()) return not_found(event_id);
    return events;
  });
}

Result<LoggedEvent> replay_event(pg::Database& db, const mirror::Appliers& appliers,
                                 std::optional<bool> livemode, const std::string& event_id) {
  return db.transact([&](pg::Tx& tx) -> Result<LoggedEvent> {
    const auto found = event_log_store::find(tx, event_id);
    if (found.empty()) return not_found(event_id);
    return apply_again(tx, appliers, livemode, found);
  });
}

}  // namespace payoutd::webhooks
