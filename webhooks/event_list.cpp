#include "webhooks/event_log.h"

namespace payoutd::webhooks {
namespace {

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

}  // namespace

Result<std::vector<LoggedEvent>> list_events(pg::Database& db, const EventFilter& filter) {
  return db.read([&](pg::Tx& tx) -> Result<std::vector<LoggedEvent>> {
    // The newest first, as the index has them: the planner takes a state for rare, and would sort.
    tx.exec_unnamed(
        "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off;"
        "SET LOCAL enable_sort = off");
    std::vector<LoggedEvent> events;
    for (const pg::Row row : tx.exec(kListEvents, filter.type, filter.account, filter.state,
                                     filter.before, filter.limit)) {
      events.push_back({.organization = row.get<OrgId>("organization_id"),
                        .id = row.get<std::string>("event_id"),
                        .type = row.get<std::string>("type"),
                        .account = row.get<std::string>("account"),
                        .created = row.get<Time>("created"),
                        .received = row.get<Time>("received_at"),
                        .livemode = row.get<bool>("livemode"),
                        .state = row.get<std::string>("state"),
                        .error = row.get<std::string>("error")});
    }
    return events;
  });
}

}  // namespace payoutd::webhooks
