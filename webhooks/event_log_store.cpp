#include "webhooks/event_log_store.h"

#include "webhooks/event.h"

namespace payoutd::webhooks::event_log_store {
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

// $4 is the owner.
const pg::Query kMoveInside{"event_log_move", R"sql(
  INSERT INTO inbox (organization_id, event_id, created, account, type, livemode, api_version,
                     object_id, disposition, received_at, body)
  SELECT $4::uuid, event_id, created, account, type, livemode, api_version, object_id, 'apply',
         received_at, body
    FROM inbox WHERE organization_id = $1 AND event_id = $2 AND created = $3
  ON CONFLICT (organization_id, event_id, created) DO UPDATE SET disposition = 'apply')sql"};

const pg::Query kRemoveInside{"event_log_remove", R"sql(
  DELETE FROM inbox WHERE organization_id = $1 AND event_id = $2 AND created = $3)sql"};

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

#define EVENT_STATE                                                       \
  " CASE WHEN i.disposition <> 'apply' THEN i.disposition"                \
  " WHEN q.event_id IS NOT NULL OR d.event_id IS NOT NULL THEN 'pending'" \
  " WHEN f.event_id IS NOT NULL THEN 'failed' ELSE 'applied' END"
#define LISTED_EVENT                                                                 \
  "(SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.livemode," \
  " i.received_at," EVENT_STATE " AS state, coalesce(f.error, '') AS error"
#define WITH_FAILURE                                                     \
  " LEFT JOIN inbox_failures f ON f.organization_id = i.organization_id" \
  " AND f.event_id = i.event_id AND f.created = i.created"
#define WITH_QUEUE                                                    \
  " LEFT JOIN inbox_queue q ON q.organization_id = i.organization_id" \
  " AND q.event_id = i.event_id AND q.created = i.created"
#define WITH_DELAYED                                                    \
  " LEFT JOIN inbox_delayed d ON d.organization_id = i.organization_id" \
  " AND d.event_id = i.event_id AND d.created = i.created"
#define LISTED_WHERE                          \
  " WHERE ($1::text IS NULL OR i.type = $1)"  \
  " AND ($2::text IS NULL OR i.account = $2)" \
  " AND ($4::timestamptz IS NULL OR i.created < $4)"
#define NEWEST_FIRST(table) " ORDER BY " table ".created DESC, " table ".event_id DESC LIMIT $5)"
// From the newest row of `table` on, each with its event; OFFSET 0 keeps the weeks from being read
// whole to find some of their events.
#define EVENTS_OF(table, alias)                                             \
  " FROM (SELECT * FROM " table                                             \
  " WHERE $4::timestamptz IS NULL OR created < $4"                          \
  " ORDER BY created DESC, event_id DESC OFFSET 0) " alias                  \
  " CROSS JOIN LATERAL (SELECT * FROM inbox WHERE organization_id = " alias \
  ".organization_id"                                                        \
  " AND event_id = " alias ".event_id AND created = " alias ".created OFFSET 0) i"

// Each state from where it stands: of the newest events nearly all are applied. Planned for the
// values at hand, so that only the parts that $3 asks for are read.
const pg::Query kListEvents{
    "event_log_list",
    "WITH newest AS (" LISTED_EVENT " FROM inbox i" WITH_QUEUE WITH_DELAYED WITH_FAILURE LISTED_WHERE
    " AND ($3::text IS NULL OR $3 NOT IN ('pending', 'failed', 'out_of_range'))"
    " AND ($3::text IS NULL OR" EVENT_STATE " = $3)" NEWEST_FIRST("i") " UNION ALL " LISTED_EVENT
    EVENTS_OF("inbox_queue", "q") WITH_DELAYED WITH_FAILURE LISTED_WHERE
    " AND i.disposition = 'apply' AND $3 = 'pending'" NEWEST_FIRST("q") " UNION ALL " LISTED_EVENT
    EVENTS_OF("inbox_delayed", "d") WITH_QUEUE WITH_FAILURE LISTED_WHERE
    " AND i.disposition = 'apply' AND q.event_id IS NULL AND $3 = 'pending'" NEWEST_FIRST("d")
    " UNION ALL " LISTED_EVENT
    EVENTS_OF("inbox_failures", "f") WITH_QUEUE WITH_DELAYED LISTED_WHERE
    " AND i.disposition = 'apply' AND q.event_id IS NULL AND d.event_id IS NULL AND $3 = 'failed'" NEWEST_FIRST("f")
    " UNION ALL (SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.livemode,"
    " i.received_at, CASE WHEN i.applied_at IS NULL THEN 'out_of_range' ELSE 'applied' END, ''"
    " FROM inbox_set_aside i" LISTED_WHERE
    " AND ($3::text IS NULL OR $3 = CASE WHEN i.applied_at IS NULL THEN 'out_of_range'"
    " ELSE 'applied' END)" NEWEST_FIRST("i") ")"
    " SELECT organization_id, event_id, created, account, type, livemode, received_at, state, error"
    " FROM newest ORDER BY created DESC, event_id DESC LIMIT $5",
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

}  // namespace

std::vector<LoggedEvent> list(pg::Tx& tx, const EventFilter& filter) {
  tx.plan_by_index();
  std::vector<LoggedEvent> events;
  for (const pg::Row row :
       tx.exec(kListEvents, filter.type, filter.account, filter.state, filter.before, filter.limit))
    events.push_back(event_of(row));
  return events;
}

std::vector<Kept> find(pg::Tx& tx, const std::string& event_id) {
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

void take_off(pg::Tx& tx, const LoggedEvent& event) {
  tx.exec(kSettled, event.organization, event.id, event.created);
}

void give_to(pg::Tx& tx, const Kept& kept, OrgId owner, bool applied) {
  const LoggedEvent& event = kept.event;
  if (kept.inside) tx.exec(kMoveInside, event.organization, event.id, event.created, owner);
  else tx.exec(kMoveOutside, event.organization, event.id, event.created, owner, applied);
}

void remove(pg::Tx& tx, const Kept& kept) {
  const LoggedEvent& event = kept.event;
  tx.exec(kept.inside ? kRemoveInside : kRemoveOutside, event.organization, event.id,
          event.created);
}

}  // namespace payoutd::webhooks::event_log_store
