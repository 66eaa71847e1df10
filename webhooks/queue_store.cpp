#include "webhooks/queue_store.h"

#include <sstream>

#include "jobs/retry_rules.h"

namespace payoutd::webhooks {
namespace {

// Crosses tenants on purpose: the queue belongs to the service; each event carries its
// organization.
//
// A plain read sees what others have taken and not committed, so a head that it finds is behind
// nothing that may come back. What is queued later has a number from xmax on; what is still open
// below that is listed.
const pg::Query kHead{"inbox_queue_head", R"sql(
  WITH head AS (
    SELECT queued_xid, event_id FROM inbox_queue
     WHERE (queued_xid, event_id) >= ($1::bigint::text::xid8, $2::text)
     ORDER BY queued_xid, event_id LIMIT 1),
  start AS (
    SELECT least((SELECT queued_xid FROM head), pg_snapshot_xmax(pg_current_snapshot())) AS xid)
  SELECT start.xid::text::bigint AS xid,
         coalesce((SELECT event_id FROM head WHERE queued_xid = start.xid), '') AS event_id,
         (SELECT coalesce(string_agg(open.xid::text, ' '), '') FROM (
            SELECT running.xid FROM pg_snapshot_xip(pg_current_snapshot()) AS running(xid)
             WHERE running.xid < start.xid
            UNION
            SELECT late.xid FROM unnest($3::bigint[]::text[]::xid8[]) AS late(xid)
             WHERE EXISTS (SELECT FROM inbox_queue WHERE queued_xid = late.xid)
         ) AS open(xid)) AS open
    FROM start)sql",
                      pg::Tenancy::global};

// A row that is locked here is deleted by its place: rows of the queue are never updated. OFFSET 0
// keeps the bodies from being joined in any way but one by one, by their key.
const pg::Query kTake{"inbox_queue_take", R"sql(
  WITH late AS MATERIALIZED (
    SELECT q.ctid FROM unnest($3::bigint[]::text[]::xid8[]) AS open(xid)
     CROSS JOIN LATERAL (
       SELECT ctid FROM inbox_queue WHERE queued_xid = open.xid
        LIMIT $4 FOR UPDATE SKIP LOCKED) AS q
     LIMIT $4),
  next AS MATERIALIZED (
    SELECT ctid FROM inbox_queue
     WHERE (queued_xid, event_id) >= ($1::bigint::text::xid8, $2::text)
     ORDER BY queued_xid, event_id LIMIT $4 - (SELECT count(*) FROM late)
     FOR UPDATE SKIP LOCKED),
  taken AS (
    DELETE FROM inbox_queue
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM late UNION ALL SELECT ctid FROM next))
    RETURNING organization_id, event_id, created)
  SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.api_version, i.body
    FROM taken t
   CROSS JOIN LATERAL (
     SELECT organization_id, event_id, created, account, type, api_version, body FROM inbox
      WHERE organization_id = t.organization_id AND event_id = t.event_id
        AND created = t.created OFFSET 0) AS i)sql",
                      pg::Tenancy::global};

const pg::Query kTakeDelayed{"inbox_delayed_take", R"sql(
  WITH due AS MATERIALIZED (
    SELECT ctid FROM inbox_delayed WHERE retry_at <= now()
     ORDER BY retry_at LIMIT $1 FOR UPDATE SKIP LOCKED),
  taken AS (
    DELETE FROM inbox_delayed WHERE ctid = ANY (ARRAY(SELECT ctid FROM due))
    RETURNING organization_id, event_id, created)
  SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.api_version, i.body
    FROM taken t
   CROSS JOIN LATERAL (
     SELECT organization_id, event_id, created, account, type, api_version, body FROM inbox
      WHERE organization_id = t.organization_id AND event_id = t.event_id
        AND created = t.created OFFSET 0) AS i)sql",
                             pg::Tenancy::global};

const pg::Query kDelay{"inbox_delayed_insert", R"sql(
  INSERT INTO inbox_delayed (organization_id, event_id, created, retry_at)
  SELECT organization_id, event_id, created, clock_timestamp() + $4 * interval '1 second'
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
         AS given(organization_id, event_id, created)
  ON CONFLICT (organization_id, event_id, created)
  DO UPDATE SET retry_at = excluded.retry_at)sql"};

const pg::Query kKeepFailed{"inbox_failures_insert", R"sql(
  INSERT INTO inbox_failures (organization_id, event_id, created, error)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
  ON CONFLICT (organization_id, event_id, created)
  DO UPDATE SET error = excluded.error, failed_at = now())sql"};

const pg::Query kFetched{"inbox_fetched", R"sql(
  WITH waited AS (
    DELETE FROM inbox_delayed WHERE organization_id = $1 AND event_id = $2 AND created = $3
    RETURNING event_id),
  outside AS (
    UPDATE inbox_set_aside SET applied_at = coalesce(applied_at, now())
     WHERE organization_id = $1 AND event_id = $2 AND created = $3
    RETURNING event_id)
  SELECT event_id FROM waited UNION SELECT event_id FROM outside)sql"};

const pg::Query kNotFetched{"inbox_not_fetched", R"sql(
  WITH waited AS (
    DELETE FROM inbox_delayed WHERE organization_id = $1 AND event_id = $2 AND created = $3
    RETURNING organization_id, event_id, created)
  INSERT INTO inbox_failures (organization_id, event_id, created, error)
  SELECT organization_id, event_id, created, $4::text FROM waited
  ON CONFLICT (organization_id, event_id, created)
  DO UPDATE SET error = excluded.error, failed_at = now())sql"};

const pg::Query kBacklog{"inbox_backlog", R"sql(
  WITH waiting AS MATERIALIZED (
    SELECT queued_at FROM inbox_queue
     WHERE (queued_xid, event_id) >= ($1::bigint::text::xid8, $2::text)
     ORDER BY queued_xid, event_id LIMIT $3),
  late AS MATERIALIZED (
    SELECT queued_at FROM inbox_delayed ORDER BY retry_at LIMIT $3),
  everything AS (SELECT queued_at FROM waiting UNION ALL SELECT queued_at FROM late)
  SELECT count(*) AS waiting,
         coalesce(extract(epoch FROM now() - min(queued_at)), 0)::text AS oldest,
         (SELECT count(*) FROM (SELECT FROM inbox_failures LIMIT $3) AS failures) AS failed
    FROM everything)sql",
                         pg::Tenancy::global};

pg::Array<std::int64_t> open_of(const QueueHead& head) {
  pg::Array<std::int64_t> open;
  for (const std::int64_t xid : head.open) open.add(xid);
  return open;
}

std::vector<StoredEvent> events_of(const pg::Rows& rows) {
  std::vector<StoredEvent> events;
  events.reserve(rows.size());
  for (const pg::Row row : rows) {
    StoredEvent event;
    event.organization = row.get<OrgId>("organization_id");
    event.id = row.get<std::string>("event_id");
    event.created = row.get<Time>("created");
    event.account = row.get<std::string>("account");
    event.type = row.get<std::string>("type");
    event.api_version = row.get<std::optional<std::string>>("api_version").value_or("");
    event.body = row.get<std::string>("body");
    events.push_back(std::move(event));
  }
  return events;
}

QueueHead look_for_head(pg::Tx& tx, const QueueHead& last) {
  const pg::Row row = tx.exec(kHead, last.xid, last.event_id, open_of(last)).one();
  QueueHead head{row.get<std::int64_t>("xid"), row.get<std::string>("event_id"), {}};
  std::istringstream open(row.get<std::string>("open"));
  for (std::int64_t xid = 0; open >> xid;) head.open.push_back(xid);
  return head;
}

}  // namespace

namespace queue_store {

void plan_by_index(pg::Tx& tx) {
  tx.exec_unnamed(
      "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
      " SET LOCAL enable_sort = off; SET LOCAL jit = off");
}

void plan_as_usual(pg::Tx& tx) {
  tx.exec_unnamed(
      "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT;"
      " SET LOCAL enable_sort TO DEFAULT; SET LOCAL jit TO DEFAULT");
}

QueueHead head(pg::Tx& tx, const QueueHead& last) {
  plan_by_index(tx);
  QueueHead head = look_for_head(tx, last);
  if (head.xid < last.xid) head = look_for_head(tx, {});
  plan_as_usual(tx);
  return head;
}

std::vector<StoredEvent> take(pg::Tx& tx, const QueueHead& head, int limit) {
  plan_by_index(tx);
  auto events = events_of(tx.exec(kTake, head.xid, head.event_id, open_of(head), limit));
  plan_as_usual(tx);
  return events;
}

std::vector<StoredEvent> take_delayed(pg::Tx& tx, int limit) {
  plan_by_index(tx);
  auto events = events_of(tx.exec(kTakeDelayed, limit));
  plan_as_usual(tx);
  return events;
}

void delay(pg::Tx& tx, std::span<const StoredEvent* const> events, std::chrono::seconds pause) {
  pg::Array<Uuid> organization;
  pg::Array<std::string> id;
  pg::Array<Time> created;
  for (const StoredEvent* event : events) {
    organization.add(event->organization.value);
    id.add(event->id);
    created.add(event->created);
  }
  tx.exec(kDelay, organization, id, created, std::int64_t{pause.count()});
}

void keep_failed(pg::Tx& tx, std::span<const Failure> failures) {
  pg::Array<Uuid> organization;
  pg::Array<std::string> id, error;
  pg::Array<Time> created;
  for (const Failure& failure : failures) {
    organization.add(failure.event->organization.value);
    id.add(failure.event->id);
    created.add(failure.event->created);
    error.add(jobs::storable(failure.error));
  }
  tx.exec(kKeepFailed, organization, id, created, error);
}

bool fetched(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event) {
  return tx.exec(kFetched, organization, event.id, event.created).maybe().has_value();
}

bool not_fetched(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event,
                 const std::string& error) {
  return tx.exec(kNotFetched, organization, event.id, event.created, jobs::storable(error))
             .affected() == 1;
}

QueueBacklog backlog(pg::Tx& tx, const QueueHead& head) {
  plan_by_index(tx);
  const pg::Row row = tx.exec(kBacklog, head.xid, head.event_id, kCountedTo).one();
  plan_as_usual(tx);
  return {row.get<std::int64_t>("waiting"), std::stod(row.get<std::string>("oldest")),
          row.get<std::int64_t>("failed")};
}

}  // namespace queue_store

}  // namespace payoutd::webhooks
