#include "webhooks/event_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/connected_accounts.h"
#include "webhooks/event.h"
#include "webhooks/event_types.h"
#include "webhooks/queue_store.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

const pg::Query kFind{"event_log_find", R"sql(
  SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.livemode, i.received_at,
         CASE WHEN i.disposition <> 'apply' THEN i.disposition
              WHEN q.event_id IS NOT NULL OR d.event_id IS NOT NULL THEN 'pending'
              WHEN f.event_id IS NOT NULL THEN 'failed' ELSE 'applied' END AS state,
         coalesce(f.error, '') AS error, i.body, true AS inside
    FROM organizations o
    JOIN inbox i ON i.organization_id = o.id
    LEFT JOIN inbox_queue q ON q.organization_id = i.organization_id
                           AND q.event_id = i.event_id AND q.created = i.created
    LEFT JOIN inbox_delayed d ON d.organization_id = i.organization_id
                             AND d.event_id = i.event_id AND d.created = i.created
    LEFT JOIN inbox_failures f ON f.organization_id = i.organization_id
                              AND f.event_id = i.event_id AND f.created = i.created
   WHERE i.event_id = $1
  UNION ALL
  SELECT a.organization_id, a.event_id, a.created, a.account, a.type, a.livemode, a.received_at,
         CASE WHEN a.applied_at IS NULL THEN 'out_of_range' ELSE 'applied' END, '', a.body,
         false
    FROM organizations o JOIN inbox_set_aside a ON a.organization_id = o.id
   WHERE a.event_id = $1
   ORDER BY 8, 1)sql",
                      pg::Tenancy::global};

const pg::Query kSettled{"event_log_settled", R"sql(
  WITH pending AS (
    DELETE FROM inbox_queue WHERE organization_id = $1 AND event_id = $2 AND created = $3),
  delayed AS (
    DELETE FROM inbox_delayed WHERE organization_id = $1 AND event_id = $2 AND created = $3)
  DELETE FROM inbox_failures WHERE organization_id = $1 AND event_id = $2 AND created = $3)sql"};

// The owner's copy of an event that was kept elsewhere, or was not to be applied. $4 is the owner.
const pg::Query kMoveInside{"event_log_move", R"sql(
  INSERT INTO inbox (organization_id, event_id, created, account, type, livemode, api_version,
                     object_id, disposition, received_at, body)
  SELECT $4::uuid, event_id, created, account, type, livemode, api_version, object_id, 'apply',
         received_at, body
    FROM inbox WHERE organization_id = $1 AND event_id = $2 AND created = $3
  ON CONFLICT (organization_id, event_id, created) DO UPDATE SET disposition = 'apply')sql"};

const pg::Query kRemoveInside{"event_log_remove", R"sql(
  DELETE FROM inbox WHERE organization_id = $1 AND event_id = $2 AND created = $3)sql"};

// It stays outside the weeks, of which none may be there for it.
const pg::Query kMoveOutside{"event_log_move_outside", R"sql(
  INSERT INTO inbox_set_aside (organization_id, event_id, created, account, type, livemode,
                               received_at, body, applied_at)
  SELECT $4::uuid, event_id, created, account, type, livemode, received_at, body,
         CASE WHEN $5 THEN now() END
    FROM inbox_set_aside WHERE organization_id = $1 AND event_id = $2 AND created = $3
  ON CONFLICT (organization_id, event_id, created)
  DO UPDATE SET applied_at = excluded.applied_at)sql"};

const pg::Query kRemoveOutside{"event_log_remove_outside", R"sql(
  DELETE FROM inbox_set_aside
   WHERE organization_id = $1 AND event_id = $2 AND created = $3)sql"};

// An event as it is stored, and where.
struct Kept {
  LoggedEvent event;
  std::string api_version;
  bool inside = true;  // the weeks of the inbox
};

LoggedEvent event_of(const pg::Row& row) {
  LoggedEvent event;
  event.organization = row.get<OrgId>("organization_id");
  event.id = row.get<std::string>("event_id");
  event.type = row.get<std::string>("type");
  event.account = row.get<std::string>("account");
  event.created = row.get<Time>("created");
  event.received = row.get<Time>("received_at");
  event.livemode = row.get<bool>("livemode");
  event.state = row.get<std::string>("state");
  event.error = row.get<std::string>("error");
  return event;
}

std::vector<Kept> find_in(pg::Tx& tx, const std::string& event_id) {
  std::vector<Kept> found;
  for (const pg::Row row : tx.exec(kFind, event_id)) {
    Kept kept{event_of(row), "", row.get<bool>("inside")};
    kept.event.body = row.get<std::string>("body");
    const auto head = read_head(kept.event.body);
    if (head) kept.api_version = head->api_version.value_or("");
    found.push_back(std::move(kept));
  }
  return found;
}

// Of several copies one that was not applied.
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

Result<Replayed> apply_now(pg::Tx& tx, const mirror::Appliers& appliers, const FollowUp& follow_up,
                           StoredEvent& event) {
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
  if (follow_up) follow_up(tx, applied);
  return work.refetch.empty() ? Replayed::applied : Replayed::waits;
}

// The event is its owner's from now on, once, however many copies were kept and where.
void settle(pg::Tx& tx, const std::vector<Kept>& copies, OrgId owner, Replayed replayed) {
  const bool some_inside = std::ranges::any_of(copies, &Kept::inside);
  for (const Kept& kept : copies) {
    const LoggedEvent& event = kept.event;
    tx.exec(kSettled, event.organization, event.id, event.created);
    const bool stays = kept.inside == some_inside;
    if (stays) {
      if (kept.inside) tx.exec(kMoveInside, event.organization, event.id, event.created, owner);
      else
        tx.exec(kMoveOutside, event.organization, event.id, event.created, owner,
                replayed == Replayed::applied);
    }
    if (stays && event.organization == owner) continue;
    tx.exec(kept.inside ? kRemoveInside : kRemoveOutside, event.organization, event.id,
            event.created);
  }
}

Result<LoggedEvent> apply_again(pg::Tx& tx, const mirror::Appliers& appliers,
                                const ReplayOptions& options, const std::vector<Kept>& copies) {
  const Kept& kept = to_replay(copies);
  LoggedEvent event = kept.event;
  if (find_event_type(event.type) == nullptr) {
    return Error{Kind::unprocessable, "event_unhandled",
                 "nothing handles events of type " + event.type};
  }
  const auto owner = owner_of(tx, event, options.livemode);
  if (!owner) return owner.error();
  StoredEvent stored{.organization = owner->organization,
                     .id = event.id,
                     .type = event.type,
                     .account = event.account,
                     .created = event.created,
                     .api_version = kept.api_version,
                     .body = event.body};
  const auto replayed = apply_now(tx, appliers, options.follow_up, stored);
  if (!replayed) return replayed.error();
  settle(tx, copies, owner->organization, *replayed);
  event.organization = owner->organization;
  event.error.clear();
  if (*replayed == Replayed::applied) {
    event.state = "applied";
  } else if (std::ranges::any_of(copies, &Kept::inside)) {
    const StoredEvent* waits = &stored;
    QueueStore::delay(tx, {&waits, 1}, kFetchTakes);
    event.state = "pending";
  } else {
    event.state = "out_of_range";
  }
  return event;
}

}  // namespace

Result<std::vector<LoggedEvent>> find_events(pg::Database& db, const std::string& event_id) {
  return db.read([&](pg::Tx& tx) -> Result<std::vector<LoggedEvent>> {
    std::vector<LoggedEvent> events;
    for (Kept& kept : find_in(tx, event_id)) events.push_back(std::move(kept.event));
    if (events.empty()) return not_found(event_id);
    return events;
  });
}

Result<LoggedEvent> replay_event(pg::Database& db, const mirror::Appliers& appliers,
                                 const ReplayOptions& options, const std::string& event_id) {
  return db.transact([&](pg::Tx& tx) -> Result<LoggedEvent> {
    const auto found = find_in(tx, event_id);
    if (found.empty()) return not_found(event_id);
    return apply_again(tx, appliers, options, found);
  });
}

}  // namespace payoutd::webhooks
