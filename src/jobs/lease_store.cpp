#include "jobs/lease_store.h"

#include <algorithm>
#include <tuple>

namespace payoutd::jobs {
namespace {

using pg::Tenancy;

// Even so it would walk a whole index of a table that it takes for empty, to join it with a few
// ids: every statement below names its ids by = ANY as well.
const std::string kIndexesOnly =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
    "SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off;"
    "SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

// `lane` walks from lane to lane of one priority, from the one after the last turn round to that
// one; `head` takes the first jobs of each.
const pg::Query kClaim{"claim_jobs", R"sql(
  WITH picked AS MATERIALIZED (
    SELECT job.id, job.turn
      FROM unnest($1::int[], $2::uuid[], $3::text[]) AS p(priority, tenant, kind),
           LATERAL (
        WITH RECURSIVE lane AS (
          SELECT p.tenant, p.kind COLLATE "C" AS kind, 0 AS turn, 0 AS step, false AS wrapped
          UNION ALL
          SELECT next.tenant, next.kind, lane.turn + (next.kind = ANY ($4::text[]))::int,
                 lane.step + 1, next.wrapped
            FROM lane, LATERAL (
                (SELECT j.tenant, j.kind, lane.wrapped FROM jobs j
                  WHERE j.state = 'ready' AND j.priority = p.priority
                    AND (j.tenant, j.kind) > (lane.tenant, lane.kind)
                  ORDER BY j.tenant, j.kind LIMIT 1)
                UNION ALL
                (SELECT j.tenant, j.kind, true FROM jobs j
                  WHERE NOT lane.wrapped AND j.state = 'ready' AND j.priority = p.priority
                  ORDER BY j.tenant, j.kind LIMIT 1)
                LIMIT 1) AS next
           WHERE lane.turn < $5
             AND NOT (next.wrapped AND (next.tenant, next.kind) > (p.tenant, p.kind))
        ), turns AS MATERIALIZED (
          SELECT tenant, kind, turn FROM lane WHERE step > 0 AND kind = ANY ($4::text[])
        )
        SELECT head.id, turns.turn
          FROM turns, LATERAL (
            SELECT j.id FROM jobs j
             WHERE j.state = 'ready' AND j.priority = p.priority
               AND j.tenant = turns.tenant AND j.kind = turns.kind
             ORDER BY j.ready_at, j.id
             LIMIT (SELECT ($5 + count(*) - 1) / greatest(count(*), 1) FROM turns)
               FOR UPDATE SKIP LOCKED) AS head) AS job
     LIMIT $5)
  UPDATE jobs
     SET state = 'running', attempts = attempts + 1, lease = $6, leased_by = $7,
         leased_until = clock_timestamp() + $8 * interval '1 millisecond'
   WHERE id = ANY (ARRAY(SELECT picked.id FROM picked))
  RETURNING id, organization_id, tenant, kind, priority, payload, attempts, max_attempts,
            (SELECT picked.turn FROM picked WHERE picked.id = jobs.id) AS turn,
            greatest(0, extract(epoch FROM clock_timestamp() - ready_at) * 1000000)::bigint
              AS waited_us)sql",
                       Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kFinish{"finish_jobs", R"sql(
  DELETE FROM jobs USING unnest($1::uuid[], $2::uuid[]) AS done(id, lease)
   WHERE jobs.id = ANY ($1::uuid[]) AND jobs.id = done.id AND jobs.lease = done.lease
  RETURNING jobs.id)sql",
                        Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kFinishOne{"finish_job", R"sql(
  DELETE FROM jobs WHERE id = $1 AND lease = $2)sql",
                           Tenancy::global, pg::locks(pg::LockedRows::jobs)};

// Deleted and inserted, so that a key that waits by now is no conflict.
const pg::Query kGiveBack{"give_back_jobs", R"sql(
  WITH given AS (
    DELETE FROM jobs
     USING unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[])
             AS back(id, lease, run_at, error)
     WHERE jobs.id = ANY ($1::uuid[]) AND jobs.id = back.id AND jobs.lease = back.lease
    RETURNING jobs.id, organization_id, kind, priority, unique_key, payload, back.run_at, ready_at,
              attempts - (back.error IS NULL)::int AS attempts, max_attempts,
              coalesce(back.error, last_error) AS last_error, created_at)
  INSERT INTO jobs (id, organization_id, kind, priority, unique_key, payload, state, run_at,
                    ready_at, attempts, max_attempts, last_error, created_at)
  SELECT id, organization_id, kind, priority, unique_key, payload,
         CASE WHEN run_at IS NULL THEN 'ready' ELSE 'scheduled' END, run_at, ready_at,
         attempts, max_attempts, last_error, created_at
    FROM given
  ON CONFLICT (tenant, kind, unique_key)
     WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'ready') DO NOTHING)sql",
                          Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kBury{"bury_jobs", R"sql(
  UPDATE jobs SET state = 'dead', died_at = now(), last_error = dead.error,
                  lease = NULL, leased_by = NULL, leased_until = NULL
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS dead(id, lease, error)
   WHERE jobs.id = ANY ($1::uuid[]) AND jobs.id = dead.id AND jobs.lease = dead.lease)sql",
                      Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kExtend{"extend_leases", R"sql(
  UPDATE jobs SET leased_until = clock_timestamp() + $3 * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::uuid[]) AS held(id, lease)
   WHERE jobs.id = ANY ($1::uuid[]) AND jobs.id = held.id AND jobs.lease = held.lease
  RETURNING jobs.id)sql",
                        Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kTakeOver{"take_over_jobs", R"sql(
  WITH lost AS (
    DELETE FROM jobs
     WHERE id = ANY (ARRAY(
             SELECT id FROM jobs WHERE state = 'running' AND leased_until < statement_timestamp()
              ORDER BY leased_until LIMIT 100 FOR UPDATE SKIP LOCKED))
    RETURNING *, attempts >= max_attempts AS over)
  INSERT INTO jobs (id, organization_id, kind, priority, unique_key, payload, state, run_at,
                    ready_at, attempts, max_attempts, last_error, created_at, died_at)
  SELECT id, organization_id, kind, priority, unique_key, payload,
         CASE WHEN over THEN 'dead' ELSE 'ready' END, run_at, ready_at, attempts, max_attempts,
         'the lease of ' || leased_by || ' ran out', created_at, CASE WHEN over THEN now() END
    FROM lost
  ON CONFLICT (tenant, kind, unique_key)
     WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'ready') DO NOTHING)sql",
                          Tenancy::global, pg::locks(pg::LockedRows::jobs)};

const pg::Query kHeldUnder{"jobs_held_under", R"sql(
  SELECT id FROM jobs WHERE state = 'running' AND lease = $1)sql",
                           Tenancy::global};

const pg::Query kPromote{"promote_jobs", R"sql(
  WITH due AS MATERIALIZED (
    SELECT job.id FROM unnest('{0,1,2,3}'::int[]) AS p(priority), LATERAL (
      SELECT j.id FROM jobs j
       WHERE j.state = 'scheduled' AND j.priority = p.priority AND j.run_at <= $1
       ORDER BY j.run_at LIMIT $2
         FOR UPDATE SKIP LOCKED) AS job)
  UPDATE jobs SET state = 'ready', ready_at = now()
   WHERE id = ANY (ARRAY(SELECT due.id FROM due)))sql",
                         Tenancy::global, pg::locks(pg::LockedRows::jobs)};

struct HeldColumns {
  explicit HeldColumns(std::size_t rows) { ids.reserve(rows), leases.reserve(rows); }
  void add(const Held& held) { ids.add(held.id.value), leases.add(held.lease); }
  pg::Array<Uuid> ids;
  pg::Array<Uuid> leases;
};

HeldColumns columns_of(std::span<const Held> held) {
  HeldColumns columns(held.size());
  for (const Held& one : held) columns.add(one);
  return columns;
}

std::vector<JobId> ids_of(const pg::Rows& rows) {
  std::vector<JobId> ids;
  ids.reserve(rows.size());
  for (const pg::Row row : rows) ids.push_back(row.get<JobId>("id"));
  return ids;
}

struct Picked {
  Claimed job;
  int turn;
  Uuid tenant;
};

// In the order in which they are to begin.
std::vector<Picked> picked_of(const pg::Rows& rows, Uuid lease) {
  std::vector<Picked> picked;
  picked.reserve(rows.size());
  for (const pg::Row row : rows) {
    picked.push_back(
        {{row.get<JobId>("id"), lease, row.get<std::optional<OrgId>>("organization_id"),
          row.get<std::string>("kind"), static_cast<Priority>(row.get<std::int32_t>("priority")),
          row.get<std::string>("payload"), row.get<std::int32_t>("attempts"),
          row.get<std::int32_t>("max_attempts"),
          std::chrono::microseconds{row.get<std::int64_t>("waited_us")}},
         row.get<std::int32_t>("turn"),
         row.get<Uuid>("tenant")});
  }
  std::ranges::sort(picked, {},
                    [](const Picked& p) { return std::tuple(p.job.priority, p.turn, p.job.id); });
  return picked;
}

}  // namespace

namespace lease_store {

void use_indexes(pg::Tx& tx) { tx.exec_unnamed(kIndexesOnly); }

std::vector<Claimed> claim(pg::Tx& tx, const Claim& wish, Turns& turns) {
  pg::Array<std::int32_t> priorities;
  pg::Array<Uuid> tenants;
  pg::Array<std::string> lanes;
  for (int p = static_cast<int>(wish.first); p <= static_cast<int>(wish.last); ++p) {
    priorities.add(p);
    tenants.add(turns[static_cast<std::size_t>(p)].tenant);
    lanes.add(turns[static_cast<std::size_t>(p)].kind);
  }
  pg::Array<std::string> kinds;
  for (const std::string& kind : wish.kinds) kinds.add(kind);
  const pg::Rows rows = tx.exec(kClaim, priorities, tenants, lanes, kinds, wish.limit, wish.lease,
                                wish.holder, wish.lease_for.count());
  std::vector<Picked> picked = picked_of(rows, wish.lease);
  std::vector<Claimed> claimed;
  claimed.reserve(picked.size());
  for (Picked& p : picked) {
    turns[static_cast<std::size_t>(p.job.priority)] = {p.tenant, p.job.kind};
    claimed.push_back(std::move(p.job));
  }
  return claimed;
}

std::vector<JobId> finish(pg::Tx& tx, std::span<const Held> done) {
  const HeldColumns columns = columns_of(done);
  return ids_of(tx.exec(kFinish, columns.ids, columns.leases));
}

bool finish_beside(pg::Tx& tx, const Held& done) {
  tx.exec_unnamed("SET LOCAL enable_seqscan = off");
  const bool held = tx.exec(kFinishOne, done.id, done.lease).affected() == 1;
  tx.exec_unnamed("SET LOCAL enable_seqscan TO DEFAULT");
  return held;
}

void give_back(pg::Tx& tx, std::span<const Returned> jobs) {
  HeldColumns columns(jobs.size());
  pg::Array<Time> run_ats;
  pg::Array<std::string> errors;
  for (const Returned& job : jobs) {
    columns.add(job.held);
    run_ats.add(job.run_at);
    errors.add(job.error);
  }
  tx.exec(kGiveBack, columns.ids, columns.leases, run_ats, errors);
}

void bury(pg::Tx& tx, std::span<const Buried> jobs) {
  HeldColumns columns(jobs.size());
  pg::Array<std::string> errors;
  for (const Buried& job : jobs) {
    columns.add(job.held);
    errors.add(job.error);
  }
  tx.exec(kBury, columns.ids, columns.leases, errors);
}

std::vector<JobId> extend(pg::Tx& tx, std::span<const Held> held,
                          std::chrono::milliseconds lease_for) {
  const HeldColumns columns = columns_of(held);
  return ids_of(tx.exec(kExtend, columns.ids, columns.leases, lease_for.count()));
}

std::size_t take_over(pg::Tx& tx) { return tx.exec(kTakeOver).affected(); }

void abandon(pg::Tx& tx, Uuid lease) {
  std::vector<Returned> held;
  for (const JobId id : ids_of(tx.exec(kHeldUnder, lease))) {
    held.push_back({{id, lease}, std::nullopt, std::nullopt});
  }
  give_back(tx, held);
}

bool promote(pg::Tx& tx, Time now) {
  return tx.exec(kPromote, now, kPromoted).affected() >= kPromoted;
}

}  // namespace lease_store

}  // namespace payoutd::jobs
