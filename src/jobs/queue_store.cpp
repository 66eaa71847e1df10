#include "jobs/queue_store.h"

namespace payoutd::jobs {
namespace {

using pg::Tenancy;

// A key that waits is updated rather than left alone, since only that locks its row: no worker can
// begin the waiting job before this transaction's facts are there to be seen.
// NOTIFY makes commits queue up behind each other, so one transaction at a time does it for all; a
// worker that it wakes looks again for a while, and finds those that commit a moment later.
const pg::Query kInsert{"insert_jobs", R"sql(
  WITH added AS (
    INSERT INTO jobs (id, organization_id, kind, priority, unique_key, payload, state, run_at,
                      max_attempts)
    SELECT id, organization_id, kind, priority, unique_key, payload,
           CASE WHEN run_at IS NULL THEN 'ready' ELSE 'scheduled' END, run_at, max_attempts
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[],
                  $7::timestamptz[], $8::int[])
        AS job(id, organization_id, kind, priority, unique_key, payload, run_at, max_attempts)
    ON CONFLICT (tenant, kind, unique_key)
       WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'ready')
    DO UPDATE SET
         priority = least(jobs.priority, excluded.priority),
         state = CASE WHEN 'ready' IN (jobs.state, excluded.state) THEN 'ready'
                      ELSE 'scheduled' END,
         run_at = CASE WHEN 'ready' IN (jobs.state, excluded.state) THEN NULL
                       ELSE least(jobs.run_at, excluded.run_at) END,
         ready_at = CASE WHEN jobs.state = 'ready' THEN jobs.ready_at ELSE now() END
       WHERE excluded.priority < jobs.priority
          OR (jobs.state = 'scheduled'
              AND (excluded.state = 'ready' OR excluded.run_at < jobs.run_at))
    RETURNING state, xmax = 0 AS inserted)
  SELECT count(*) FILTER (WHERE inserted)::int AS added,
         CASE WHEN bool_or(state = 'ready') AND pg_try_advisory_xact_lock(72057594037927)
              THEN pg_notify('payoutd_jobs', '')::text END AS told
    FROM added)sql",
                        Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kInsertMissing{"insert_missing_jobs", R"sql(
  WITH added AS (
    INSERT INTO jobs (id, organization_id, kind, priority, unique_key, payload, state, run_at,
                      max_attempts)
    SELECT id, organization_id, kind, priority, unique_key, payload,
           CASE WHEN run_at IS NULL THEN 'ready' ELSE 'scheduled' END, run_at, max_attempts
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[],
                  $7::timestamptz[], $8::int[])
        AS job(id, organization_id, kind, priority, unique_key, payload, run_at, max_attempts)
    ON CONFLICT (tenant, kind, unique_key)
       WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'ready')
    DO NOTHING
    RETURNING state)
  SELECT count(*)::int AS added,
         CASE WHEN bool_or(state = 'ready') AND pg_try_advisory_xact_lock(72057594037927)
              THEN pg_notify('payoutd_jobs', '')::text END AS told
    FROM added)sql",
                               Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kBacklog{"job_backlog", R"sql(
  SELECT (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'ready' LIMIT $1) AS c)::int
           AS ready,
         (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'scheduled' LIMIT $1) AS c)::int
           AS scheduled,
         (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'running' LIMIT $1) AS c)::int
           AS running,
         (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' LIMIT $1) AS c)::int
           AS dead)sql",
                         Tenancy::global};

const pg::Query kDead{"dead_jobs", R"sql(
  SELECT id, organization_id, kind, priority, payload, attempts, last_error, created_at, died_at
    FROM jobs
   WHERE state = 'dead'
     AND ($1::uuid IS NULL OR organization_id = $1)
     AND ($2::text IS NULL OR kind = $2)
     AND ($3::uuid IS NULL OR id < $3)
   ORDER BY id DESC LIMIT $4)sql",
                      Tenancy::global};

const pg::Query kRevive{"revive_job", R"sql(
  UPDATE jobs SET state = 'ready', run_at = NULL, ready_at = now(), attempts = 0, died_at = NULL
   WHERE id = $1 AND state = 'dead' AND ($2::uuid IS NULL OR organization_id = $2))sql",
                        Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kDiscard{"discard_job", R"sql(
  DELETE FROM jobs
   WHERE id = $1 AND state = 'dead' AND ($2::uuid IS NULL OR organization_id = $2))sql",
                         Tenancy::global, pg::locks(pg::LockedRows::jobs)};

}  // namespace

namespace {

std::size_t insert_by(pg::Tx& tx, const pg::Query& insert, const std::vector<const Job*>& jobs) {
  pg::Array<JobId> ids;
  pg::Array<OrgId> organizations;
  pg::Array<std::string> kinds;
  pg::Array<std::int32_t> priorities;
  pg::Array<std::string> keys;
  pg::Array<std::string> payloads;
  pg::Array<Time> run_ats;
  pg::Array<std::int32_t> max_attempts;
  for (const Job* job : jobs) {
    ids.add(JobId::make());
    organizations.add(job->organization);
    kinds.add(job->kind);
    priorities.add(static_cast<std::int32_t>(job->priority));
    keys.add(job->unique_key);
    payloads.add(dump(job->payload));
    run_ats.add(job->run_at);
    max_attempts.add(job->max_attempts);
  }
  const pg::Row row =
      tx.exec(insert, ids, organizations, kinds, priorities, keys, payloads, run_ats, max_attempts)
          .one();
  return static_cast<std::size_t>(row.get<std::int32_t>("added"));
}

}  // namespace

namespace queue_store {

std::size_t insert(pg::Tx& tx, const std::vector<const Job*>& jobs) {
  return insert_by(tx, kInsert, jobs);
}

std::size_t insert_missing(pg::Tx& tx, const std::vector<const Job*>& jobs) {
  return insert_by(tx, kInsertMissing, jobs);
}

Backlog backlog(pg::Tx& tx, int counted_to) {
  const pg::Row row = tx.exec(kBacklog, counted_to).one();
  return {row.get<std::int32_t>("ready"), row.get<std::int32_t>("scheduled"),
          row.get<std::int32_t>("running"), row.get<std::int32_t>("dead")};
}

std::vector<DeadJob> dead(pg::Tx& tx, const DeadFilter& filter) {
  std::vector<DeadJob> dead;
  for (const pg::Row row :
       tx.exec(kDead, filter.organization, filter.kind, filter.before, filter.limit)) {
    dead.push_back({row.get<JobId>("id"), row.get<std::optional<OrgId>>("organization_id"),
                    row.get<std::string>("kind"),
                    static_cast<Priority>(row.get<std::int32_t>("priority")),
                    row.get<std::string>("payload"), row.get<std::int32_t>("attempts"),
                    row.get<std::optional<std::string>>("last_error").value_or(""),
                    row.get<Time>("created_at"), row.get<Time>("died_at")});
  }
  return dead;
}

bool revive(pg::Tx& tx, JobId id, std::optional<OrgId> organization) {
  return tx.exec(kRevive, id, organization).affected() == 1;
}

bool remove_dead(pg::Tx& tx, JobId id, std::optional<OrgId> organization) {
  return tx.exec(kDiscard, id, organization).affected() == 1;
}

}  // namespace queue_store

}  // namespace payoutd::jobs
