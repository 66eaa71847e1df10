#include "sync/runs_store.h"

namespace payoutd::sync::runs_store {

namespace {

const pg::Query kQueue{"sync_queue_run", R"sql(
  INSERT INTO sync_runs (organization_id, id, asked_by, account, repair, status, queued_at)
  VALUES ($1, $2, $3, $4, $5, 'queued', $6)
  ON CONFLICT (organization_id, id) DO NOTHING)sql"};

const pg::Query kBegin{"sync_begin_run", R"sql(
  INSERT INTO sync_runs AS r (organization_id, id, asked_by, account, repair, status, queued_at,
         started_at, accounts, alive_until)
  VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, now() + interval '30 seconds')
  ON CONFLICT (organization_id, id) DO UPDATE
     SET status = 'running', started_at = coalesce(r.started_at, excluded.started_at),
         accounts = excluded.accounts, alive_until = excluded.alive_until, finished_at = NULL,
         error = NULL)sql"};

const pg::Query kKeepAlive{"sync_keep_run_alive", R"sql(
  UPDATE sync_runs
     SET alive_until = now() + interval '30 seconds', pages = $3, rows = $4, created = $5, changed = $6,
         requests = $7, limited = $8
   WHERE organization_id = $1 AND id = $2 AND status = 'running')sql"};

const pg::Query kEnd{"sync_end_run", R"sql(
  UPDATE sync_runs
     SET status = $3, error = $4, finished_at = $5, pages = $6, rows = $7, created = $8, changed = $9,
         requests = $10, limited = $11, accounts = $12, alive_until = NULL
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kAddStream{"sync_add_run_stream", R"sql(
  INSERT INTO sync_run_streams AS s (organization_id, run_id, account, stream, kind, status, pages, rows,
         created, changed, refused, requests, error, finished_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, nullif($13, ''), $14)
  ON CONFLICT (organization_id, run_id, account, stream) DO UPDATE
     SET kind = excluded.kind, status = excluded.status, pages = s.pages + excluded.pages,
         rows = s.rows + excluded.rows, created = s.created + excluded.created,
         changed = s.changed + excluded.changed, refused = s.refused + excluded.refused,
         requests = s.requests + excluded.requests, error = excluded.error,
         finished_at = excluded.finished_at)sql"};

// A lease that ran out is its holder's no more, whether that holder is gone or slow.
const pg::Query kLease{"sync_lease_account", R"sql(
  INSERT INTO sync_leases AS l (organization_id, account, run_id, leased_until)
  VALUES ($1, $2, $3, now() + interval '20 seconds')
  ON CONFLICT (organization_id, account) DO UPDATE
     SET run_id = excluded.run_id, leased_until = excluded.leased_until
   WHERE l.leased_until < now() OR l.run_id = excluded.run_id
  RETURNING account)sql"};

// The leases of one run, in all organizations.
const pg::Query kExtend{"sync_extend_leases", R"sql(
  UPDATE sync_leases SET leased_until = now() + interval '20 seconds' WHERE run_id = $1)sql",
                        pg::Tenancy::global};

const pg::Query kRelease{"sync_release_account", R"sql(
  DELETE FROM sync_leases WHERE organization_id = $1 AND account = $2 AND run_id = $3)sql"};

#define RUN_COLUMNS                                                                            \
  " organization_id, id, asked_by, account, repair, CASE WHEN status = 'running' AND"          \
  " alive_until < now() THEN 'interrupted' ELSE status END AS status, accounts, pages, rows, " \
  "created,"                                                                                   \
  " changed, requests, limited, error, queued_at, started_at, finished_at "

const pg::Query kList{"sync_list_runs", "SELECT" RUN_COLUMNS R"sql(FROM sync_runs
 WHERE organization_id = $1
   AND ($2::timestamptz IS NULL OR (queued_at, id) < ($2, $3::uuid))
 ORDER BY queued_at DESC, id DESC LIMIT $4 OFFSET $5)sql"};

const pg::Query kCount{"sync_count_runs", R"sql(
  SELECT count(*) AS total FROM sync_runs WHERE organization_id = $1)sql"};

const pg::Query kFind{"sync_find_run", "SELECT" RUN_COLUMNS R"sql(FROM sync_runs
 WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kStreams{"sync_run_streams_of", R"sql(
  SELECT account, stream, kind, status, pages, rows, created, changed, refused, requests,
         coalesce(error, '') AS error, finished_at
    FROM sync_run_streams WHERE organization_id = $1 AND run_id = $2
   ORDER BY account, stream LIMIT 10000)sql"};

// The old runs of every organization. A run that a slow instance still counts as alive stays.
#define OLD_RUNS                                                                                  \
  " SELECT r.organization_id, r.id FROM organizations o JOIN sync_runs r ON r.organization_id = " \
  "o.id"                                                                                          \
  " WHERE r.queued_at < $1 AND (r.alive_until IS NULL OR r.alive_until < now())"                  \
  " AND (r.queued_at, r.id) < (SELECT n.queued_at, n.id FROM sync_runs n"                         \
  " WHERE n.organization_id = o.id ORDER BY n.queued_at DESC, n.id DESC OFFSET $2::bigint - 1 "   \
  "LIMIT 1)"                                                                                      \
  " AND r.id IS DISTINCT FROM (SELECT f.id FROM sync_runs f"                                      \
  " WHERE f.organization_id = o.id AND f.finished_at IS NOT NULL"                                 \
  " ORDER BY f.queued_at DESC, f.id DESC LIMIT 1) "

const pg::Query kPurgeStreams{"sync_purge_run_streams",
                              "WITH old AS MATERIALIZED (" OLD_RUNS R"sql()
DELETE FROM sync_run_streams
 WHERE (organization_id, run_id, account, stream) IN (
       SELECT s.organization_id, s.run_id, s.account, s.stream
         FROM old JOIN sync_run_streams s ON s.organization_id = old.organization_id AND s.run_id = old.id
        LIMIT $3))sql",
                              pg::Tenancy::global};

const pg::Query kPurgeRuns{"sync_purge_runs", "WITH old AS MATERIALIZED (" OLD_RUNS R"sql()
DELETE FROM sync_runs
 WHERE (organization_id, id) IN (
       SELECT organization_id, id FROM old
        WHERE NOT EXISTS (SELECT FROM sync_run_streams s
                           WHERE s.organization_id = old.organization_id AND s.run_id = old.id)
        LIMIT $3))sql",
                           pg::Tenancy::global};

RunRecord read(const pg::Row& row) {
  RunRecord run{.organization = row.get<OrgId>("organization_id"), .id = row.get<RunId>("id")};
  run.asked_by = row.get<std::string>("asked_by");
  run.account = row.get<std::optional<std::string>>("account");
  run.repair = row.get<bool>("repair");
  run.status = row.get<std::string>("status");
  run.accounts = row.get<std::int32_t>("accounts");
  run.counts = {.pages = row.get<std::int64_t>("pages"),
                .rows = row.get<std::int64_t>("rows"),
                .created = row.get<std::int64_t>("created"),
                .changed = row.get<std::int64_t>("changed"),
                .requests = row.get<std::int64_t>("requests")};
  run.limited = row.get<std::int64_t>("limited");
  run.error = row.get<std::optional<std::string>>("error");
  run.queued_at = row.get<Time>("queued_at");
  run.started_at = row.get<std::optional<Time>>("started_at");
  run.finished_at = row.get<std::optional<Time>>("finished_at");
  return run;
}

}  // namespace

void queue(pg::Tx& tx, const RunRecord& run) {
  tx.exec(kQueue, run.organization, run.id, run.asked_by, run.account, run.repair, run.queued_at);
}

void begin(pg::Tx& tx, const RunRecord& run) {
  tx.exec(kBegin, run.organization, run.id, run.asked_by, run.account, run.repair, run.queued_at,
          run.started_at, run.accounts);
}

void keep_alive(pg::Tx& tx, const RunRecord& run) {
  tx.exec(kKeepAlive, run.organization, run.id, run.counts.pages, run.counts.rows,
          run.counts.created, run.counts.changed, run.counts.requests, run.limited);
}

void end(pg::Tx& tx, const RunRecord& run) {
  tx.exec(kEnd, run.organization, run.id, run.status, run.error, run.finished_at, run.counts.pages,
          run.counts.rows, run.counts.created, run.counts.changed, run.counts.requests, run.limited,
          run.accounts);
}

void add(pg::Tx& tx, OrgId organization, RunId run, const StreamRecord& stream) {
  const Counts& counts = stream.counts;
  tx.exec(kAddStream, organization, run, stream.account, stream.stream, stream.kind, stream.status,
          counts.pages, counts.rows, counts.created, counts.changed, counts.refused,
          counts.requests, stream.error, stream.finished_at);
}

bool lease(pg::Tx& tx, OrgId organization, std::string_view account, RunId run) {
  return !tx.exec(kLease, organization, account, run).empty();
}

void extend_leases(pg::Tx& tx, RunId run) { tx.exec(kExtend, run); }

void release(pg::Tx& tx, OrgId organization, std::string_view account, RunId run) {
  tx.exec(kRelease, organization, account, run);
}

std::vector<RunRecord> list(pg::Tx& tx, OrgId organization, std::optional<Time> before,
                            std::optional<RunId> before_id, std::int64_t limit,
                            std::int64_t offset) {
  std::vector<RunRecord> runs;
  for (const pg::Row row : tx.exec(kList, organization, before, before_id, limit, offset)) {
    runs.push_back(read(row));
  }
  return runs;
}

std::int64_t count(pg::Tx& tx, OrgId organization) {
  return tx.exec(kCount, organization).one().get<std::int64_t>("total");
}

std::optional<RunRecord> find(pg::Tx& tx, OrgId organization, RunId id) {
  const auto row = tx.exec(kFind, organization, id).maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

std::vector<StreamRecord> streams(pg::Tx& tx, OrgId organization, RunId id) {
  std::vector<StreamRecord> streams;
  for (const pg::Row row : tx.exec(kStreams, organization, id)) {
    streams.push_back({.account = row.get<std::string>("account"),
                       .stream = row.get<std::string>("stream"),
                       .kind = row.get<std::string>("kind"),
                       .status = row.get<std::string>("status"),
                       .counts = {.pages = row.get<std::int64_t>("pages"),
                                  .rows = row.get<std::int64_t>("rows"),
                                  .created = row.get<std::int64_t>("created"),
                                  .changed = row.get<std::int64_t>("changed"),
                                  .refused = row.get<std::int64_t>("refused"),
                                  .requests = row.get<std::int64_t>("requests")},
                       .error = row.get<std::string>("error"),
                       .finished_at = row.get<Time>("finished_at")});
  }
  return streams;
}

std::int64_t purge(pg::Tx& tx, const Purge& purge) {
  const auto streams = tx.exec(kPurgeStreams, purge.before, purge.keep, purge.limit).affected();
  if (streams > 0) return static_cast<std::int64_t>(streams);
  const auto runs = tx.exec(kPurgeRuns, purge.before, purge.keep, purge.limit).affected();
  return static_cast<std::int64_t>(runs);
}

}  // namespace payoutd::sync::runs_store
