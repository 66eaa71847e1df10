#include "webhooks/queue_store.h"

namespace payoutd::webhooks {
namespace {

// Crosses tenants on purpose: the queue belongs to the service; each event carries its
// organization.
const pg::Query kTake{"inbox_queue_take", R"sql(
  WITH oldest AS (
    SELECT organization_id, event_id, created FROM inbox_queue
     ORDER BY queued_at LIMIT $1 FOR UPDATE SKIP LOCKED),
  taken AS (
    DELETE FROM inbox_queue q USING oldest o
     WHERE q.organization_id = o.organization_id AND q.event_id = o.event_id
       AND q.created = o.created
    RETURNING q.organization_id, q.event_id, q.created)
  SELECT i.organization_id, i.event_id, i.created, i.account, i.type, i.body
    FROM taken t JOIN inbox i
      ON i.organization_id = t.organization_id AND i.event_id = t.event_id
     AND i.created = t.created)sql", pg::Tenancy::global};

const pg::Query kSetAsideFailed{"inbox_failures_insert", R"sql(
  INSERT INTO inbox_failures (organization_id, event_id, created, error)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
  ON CONFLICT (organization_id, event_id, created)
  DO UPDATE SET error = excluded.error, failed_at = now())sql"};

}  // namespace

std::vector<StoredEvent> QueueStore::take(pg::Tx& tx, int limit) {
  std::vector<StoredEvent> events;
  const auto rows = tx.exec(kTake, limit);
  events.reserve(rows.size());
  for (const pg::Row row : rows) {
    StoredEvent event;
    event.organization = row.get<OrgId>("organization_id");
    event.id = row.get<std::string>("event_id");
    event.created = row.get<Time>("created");
    event.account = row.get<std::string>("account");
    event.type = row.get<std::string>("type");
    event.body = row.get<std::string>("body");
    events.push_back(std::move(event));
  }
  return events;
}

void QueueStore::set_aside(pg::Tx& tx, std::span<const Failure> failures) {
  pg::Array<Uuid> organization;
  pg::Array<std::string> id, error;
  pg::Array<Time> created;
  for (const Failure& failure : failures) {
    organization.add(failure.event->organization.value);
    id.add(failure.event->id);
    created.add(failure.event->created);
    error.add(failure.error);
  }
  tx.exec(kSetAsideFailed, organization, id, created, error);
}

}  // namespace payoutd::webhooks
