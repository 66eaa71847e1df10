#include "webhooks/event_log.h"

#include <fmt/format.h>

#include "access/connected_accounts.h"
#include "webhooks/event_types.h"
#include "webhooks/queue_store.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

const pg::Query kFind{"event_log_find", R"sql(
  SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.livemode, i.received_at,
         CASE WHEN i.disposition <> 'apply' THEN i.disposition
              WHEN q.event_id IS NOT NULL THEN 'pending'
              WHEN f.event_id IS NOT NULL THEN 'failed' ELSE 'applied' END AS state,
         coalesce(f.error, '') AS error, i.body
    FROM organizations o
    JOIN inbox i ON i.organization_id = o.id
    LEFT JOIN inbox_queue q ON q.organization_id = i.organization_id
                           AND q.event_id = i.event_id AND q.created = i.created
    LEFT JOIN inbox_failures f ON f.organization_id = i.organization_id
                              AND f.event_id = i.event_id AND f.created = i.created
   WHERE i.event_id = $1
  UNION ALL
  SELECT a.organization_id, a.event_id, a.created, a.account, a.type, a.livemode, a.received_at,
         'out_of_range', '', a.body
    FROM organizations o JOIN inbox_set_aside a ON a.organization_id = o.id
   WHERE a.event_id = $1)sql", pg::Tenancy::global};

const pg::Query kSettled{"event_log_settled", R"sql(
  WITH pending AS (
    DELETE FROM inbox_queue WHERE organization_id = $1 AND event_id = $2 AND created = $3)
  DELETE FROM inbox_failures WHERE organization_id = $1 AND event_id = $2 AND created = $3)sql"};

// The weeks are picked before their names are read as days: other tables have names of other kinds.
const pg::Query kOldWeeks{"inbox_old_weeks", R"sql(
  WITH weeks AS MATERIALIZED (
    SELECT c.relname AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS monday
      FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
     WHERE h.inhparent = 'inbox'::regclass)
  SELECT name FROM weeks
   WHERE monday + 7 <= ($1::timestamptz AT TIME ZONE 'UTC')::date - 30
     AND NOT EXISTS (
       SELECT 1 FROM inbox_queue q
        WHERE (q.created AT TIME ZONE 'UTC')::date >= monday
          AND (q.created AT TIME ZONE 'UTC')::date < monday + 7)
   ORDER BY name)sql",
                          pg::Tenancy::global};

const pg::Query kForgetOld{"inbox_forget_old", R"sql(
  WITH failures AS (DELETE FROM inbox_failures WHERE failed_at < $1::timestamptz - interval '60 days'
                    RETURNING organization_id)
  DELETE FROM inbox_set_aside WHERE received_at < $1::timestamptz - interval '60 days')sql",
                           pg::Tenancy::global};

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

std::vector<LoggedEvent> find_in(pg::Tx& tx, const std::string& event_id) {
  std::vector<LoggedEvent> events;
  for (const pg::Row row : tx.exec(kFind, event_id)) {
    events.push_back(event_of(row));
    events.back().body = row.get<std::string>("body");
  }
  return events;
}

Error not_found(const std::string& event_id) {
  return Error{
      Kind::missing, "event_not_found",
      fmt::format("no event {} is stored (events are kept for at least 30 days)", event_id)};
}

Result<LoggedEvent> apply_again(pg::Tx& tx, const mirror::Appliers& appliers,
                                const FollowUp& follow_up, LoggedEvent event) {
  const EventType* type = find_event_type(event.type);
  if (type == nullptr) {
    return Error{Kind::unprocessable, "event_unhandled",
                 "nothing handles events of type " + event.type};
  }
  const auto owner = access::find_account(tx, event.account);
  if (!owner) {
    return Error{Kind::unprocessable, "account_unknown",
                 fmt::format("the account {} belongs to no organization yet", event.account)};
  }
  StoredEvent stored{owner->organization, event.id,      event.type,
                     event.account,       event.created, event.body};
  if (auto found = find_object(stored); !found) return found.error();
  std::vector<mirror::Version> versions;
  Work work{tx, versions};
  if (auto handled = type->handle(stored, work); !handled) return handled.error();
  const mirror::Applied applied = mirror::apply(tx, appliers, versions);
  for (const mirror::Verdict& verdict : applied.verdicts) {
    if (verdict.outcome == mirror::Outcome::refused) {
      return Error{Kind::unprocessable, "event_refused", verdict.error};
    }
  }
  if (follow_up) follow_up(tx, applied);
  tx.exec(kSettled, event.organization, event.id, event.created);
  event.organization = owner->organization;
  event.state = "applied";
  event.error.clear();
  return event;
}

}  // namespace

Result<std::vector<LoggedEvent>> find_events(pg::Database& db, const std::string& event_id) {
  return db.read([&](pg::Tx& tx) -> Result<std::vector<LoggedEvent>> {
    auto events = find_in(tx, event_id);
    if (events.empty()) return not_found(event_id);
    return events;
  });
}

Result<LoggedEvent> replay_event(pg::Database& db, const mirror::Appliers& appliers,
                                 const FollowUp& follow_up, const std::string& event_id) {
  return db.transact([&](pg::Tx& tx) -> Result<LoggedEvent> {
    auto events = find_in(tx, event_id);
    if (events.empty()) return not_found(event_id);
    return apply_again(tx, appliers, follow_up, std::move(events.front()));
  });
}

Result<int> drop_old_weeks(pg::Database& db, Time now) {
  return db.transact([&](pg::Tx& tx) -> Result<int> {
    // Waits for no one for long: deliveries come first, and the next run drops the week as well.
    tx.exec_unnamed("SET LOCAL lock_timeout = '2s'");
    int dropped = 0;
    for (const pg::Row row : tx.exec(kOldWeeks, now)) {
      tx.exec_unnamed("DROP TABLE \"" + row.get<std::string>("name") + "\"");
      ++dropped;
    }
    tx.exec(kForgetOld, now);
    forget_unknown(tx, now);
    return dropped;
  });
}

}  // namespace payoutd::webhooks
