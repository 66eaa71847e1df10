#include "jobs/schedules_store.h"

namespace payoutd::jobs {
namespace {

using pg::Tenancy;

const pg::Query kInsertSchedule{"insert_schedule", R"sql(
  INSERT INTO schedules (id, organization_id, name, kind, spec, time_zone, job_kind, job_priority,
                         job_payload, enabled, next_fire_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10)
  ON CONFLICT ON CONSTRAINT schedules_name DO NOTHING
  RETURNING id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
            enabled, next_fire_at, last_fired_at, last_error)sql"};

// One that disabled itself gets another chance with another definition.
const pg::Query kUpsert{"upsert_schedule", R"sql(
  INSERT INTO schedules AS s (id, organization_id, name, kind, spec, time_zone, job_kind,
                              job_priority, job_payload, enabled, next_fire_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10)
  ON CONFLICT ON CONSTRAINT schedules_name DO UPDATE
     SET kind = excluded.kind, spec = excluded.spec, time_zone = excluded.time_zone,
         job_kind = excluded.job_kind, job_priority = excluded.job_priority,
         job_payload = excluded.job_payload, next_fire_at = excluded.next_fire_at,
         enabled = s.enabled OR s.last_error IS NOT NULL, last_error = NULL
   WHERE (s.kind, s.spec, s.time_zone, s.job_kind, s.job_priority, s.job_payload)
         IS DISTINCT FROM (excluded.kind, excluded.spec, excluded.time_zone, excluded.job_kind,
                           excluded.job_priority, excluded.job_payload))sql"};

const pg::Query kByName{"schedule_by_name", R"sql(
  SELECT id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
         enabled, next_fire_at, last_fired_at, last_error
    FROM schedules
   WHERE organization_id IS NOT DISTINCT FROM $1 AND name = $2)sql"};

const pg::Query kById{"schedule_by_id", R"sql(
  SELECT id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
         enabled, next_fire_at, last_fired_at, last_error
    FROM schedules
   WHERE organization_id IS NOT DISTINCT FROM $1 AND id = $2)sql"};

const pg::Query kLock{"lock_schedule", R"sql(
  SELECT id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
         enabled, next_fire_at, last_fired_at, last_error
    FROM schedules
   WHERE organization_id IS NOT DISTINCT FROM $1 AND id = $2
     FOR UPDATE)sql"};

const pg::Query kList{"list_schedules", R"sql(
  SELECT id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
         enabled, next_fire_at, last_fired_at, last_error
    FROM schedules
   WHERE organization_id IS NOT DISTINCT FROM $1 AND name > $2
   ORDER BY name LIMIT $3)sql"};

const pg::Query kUpdate{"update_schedule", R"sql(
  UPDATE schedules
     SET name = $3, kind = $4, spec = $5, time_zone = $6, job_kind = $7, job_priority = $8,
         job_payload = $9, enabled = $10, next_fire_at = $11, last_error = NULL
   WHERE organization_id IS NOT DISTINCT FROM $1 AND id = $2)sql"};

const pg::Query kDelete{"delete_schedule", R"sql(
  DELETE FROM schedules WHERE organization_id IS NOT DISTINCT FROM $1 AND id = $2)sql"};

const pg::Query kLockDue{"lock_due_schedules", R"sql(
  SELECT id, organization_id, name, kind, spec, time_zone, job_kind, job_priority, job_payload,
         enabled, next_fire_at, last_fired_at, last_error
    FROM schedules
   WHERE enabled AND next_fire_at <= $1
   ORDER BY next_fire_at LIMIT $2
     FOR UPDATE SKIP LOCKED)sql",
                         Tenancy::global};

const pg::Query kRecord{"record_firings", R"sql(
  INSERT INTO schedule_firings (schedule_id, fire_at)
  SELECT schedule_id, fire_at FROM unnest($1::uuid[], $2::timestamptz[]) AS f(schedule_id, fire_at)
  ON CONFLICT DO NOTHING
  RETURNING schedule_id)sql",
                        Tenancy::global};

const pg::Query kAdvance{"advance_schedules", R"sql(
  UPDATE schedules
     SET next_fire_at = f.next_fire_at, last_fired_at = f.fire_at, last_error = f.error,
         enabled = f.error IS NULL
    FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[])
      AS f(id, fire_at, next_fire_at, error)
   WHERE schedules.id = f.id)sql",
                         Tenancy::global};

const pg::Query kForget{"forget_firings", R"sql(
  DELETE FROM schedule_firings WHERE schedule_id = ANY ($1::uuid[]) AND fire_at < $2)sql",
                        Tenancy::global};

StoredSchedule read(const pg::Row& row) {
  StoredSchedule schedule;
  schedule.id = row.get<ScheduleId>("id");
  schedule.organization = row.get<std::optional<OrgId>>("organization_id");
  schedule.name = row.get<std::string>("name");
  schedule.repeats = *parse_repeats(row.get<std::string>("kind"));
  schedule.spec = row.get<std::string>("spec");
  schedule.time_zone = row.get<std::string>("time_zone");
  schedule.job_kind = row.get<std::string>("job_kind");
  schedule.job_priority = static_cast<Priority>(row.get<std::int32_t>("job_priority"));
  schedule.job_payload = row.get<Json>("job_payload");
  schedule.enabled = row.get<bool>("enabled");
  schedule.next_fire_at = row.get<Time>("next_fire_at");
  schedule.last_fired_at = row.get<std::optional<Time>>("last_fired_at");
  schedule.last_error = row.get<std::optional<std::string>>("last_error");
  return schedule;
}

std::optional<StoredSchedule> read_maybe(const pg::Rows& rows) {
  const auto row = rows.maybe();
  return row ? std::optional(read(*row)) : std::nullopt;
}

std::vector<StoredSchedule> read_all(const pg::Rows& rows) {
  std::vector<StoredSchedule> schedules;
  for (const pg::Row row : rows) schedules.push_back(read(row));
  return schedules;
}

pg::Rows put(pg::Tx& tx, const pg::Query& query, const Schedule& s, Time next_fire_at) {
  return tx.exec(query, ScheduleId::make(), s.organization, s.name, name_of(s.repeats), s.spec,
                 s.time_zone, s.job_kind, static_cast<int>(s.job_priority), s.job_payload,
                 next_fire_at);
}

pg::Array<ScheduleId> ids_of(const std::vector<Firing>& firings) {
  pg::Array<ScheduleId> ids;
  for (const Firing& firing : firings) ids.add(firing.schedule);
  return ids;
}

}  // namespace

namespace schedules_store {

std::optional<StoredSchedule> insert(pg::Tx& tx, const Schedule& schedule, Time next_fire_at) {
  return read_maybe(put(tx, kInsertSchedule, schedule, next_fire_at));
}

StoredSchedule upsert(pg::Tx& tx, const Schedule& schedule, Time next_fire_at) {
  put(tx, kUpsert, schedule, next_fire_at);
  return read(tx.exec(kByName, schedule.organization, schedule.name).one());
}

std::optional<StoredSchedule> find(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id) {
  return read_maybe(tx.exec(kById, organization, id));
}

std::optional<StoredSchedule> lock(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id) {
  return read_maybe(tx.exec(kLock, organization, id));
}

std::vector<StoredSchedule> list(pg::Tx& tx, std::optional<OrgId> organization,
                                 const std::string& after, int limit) {
  return read_all(tx.exec(kList, organization, after, limit));
}

void update(pg::Tx& tx, const StoredSchedule& s) {
  tx.exec(kUpdate, s.organization, s.id, s.name, name_of(s.repeats), s.spec, s.time_zone,
          s.job_kind, static_cast<int>(s.job_priority), s.job_payload, s.enabled, s.next_fire_at);
}

bool remove(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id) {
  return tx.exec(kDelete, organization, id).affected() == 1;
}

std::vector<StoredSchedule> lock_due(pg::Tx& tx, Time now, int limit) {
  return read_all(tx.exec(kLockDue, now, limit));
}

std::set<ScheduleId> record_firings(pg::Tx& tx, const std::vector<Firing>& firings) {
  pg::Array<Time> fire_ats;
  for (const Firing& firing : firings) fire_ats.add(firing.fire_at);
  std::set<ScheduleId> recorded;
  for (const pg::Row row : tx.exec(kRecord, ids_of(firings), fire_ats)) {
    recorded.insert(row.get<ScheduleId>("schedule_id"));
  }
  return recorded;
}

void advance(pg::Tx& tx, const std::vector<Firing>& firings) {
  pg::Array<Time> fire_ats;
  pg::Array<Time> next_fire_ats;
  pg::Array<std::string> errors;
  for (const Firing& firing : firings) {
    fire_ats.add(firing.fire_at);
    next_fire_ats.add(firing.next_fire_at);
    errors.add(firing.error);
  }
  tx.exec(kAdvance, ids_of(firings), fire_ats, next_fire_ats, errors);
}

void forget_firings(pg::Tx& tx, const std::vector<Firing>& firings, Time before) {
  tx.exec(kForget, ids_of(firings), before);
}

}  // namespace schedules_store

}  // namespace payoutd::jobs
