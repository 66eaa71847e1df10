// The rows of `schedules` and `schedule_firings`.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/schedules.h"

namespace payoutd::jobs {

struct Firing {
  ScheduleId schedule;
  Time fire_at;
  Time next_fire_at;
  std::optional<std::string> error;  // disables it
};

namespace schedules_store {

// Nothing where the name is taken.
std::optional<StoredSchedule> insert(pg::Tx& tx, const Schedule& schedule, Time next_fire_at);
// Inserts it, or changes the one of its name where the definition differs.
StoredSchedule upsert(pg::Tx& tx, const Schedule& schedule, Time next_fire_at);

std::optional<StoredSchedule> find(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id);
std::optional<StoredSchedule> lock(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id);
std::vector<StoredSchedule> list(pg::Tx& tx, std::optional<OrgId> organization,
                                 const std::string& after, int limit);
// By id. Throws SqlError (unique violation) where another has the name.
void update(pg::Tx& tx, const StoredSchedule& schedule);
bool remove(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id);

// Locked until the transaction ends; those that another one holds are left out.
std::vector<StoredSchedule> lock_due(pg::Tx& tx, Time now, int limit);

// Those that had not fired for that time before.
std::set<ScheduleId> record_firings(pg::Tx& tx, const std::vector<Firing>& firings);
void advance(pg::Tx& tx, const std::vector<Firing>& firings);
void forget_firings(pg::Tx& tx, const std::vector<Firing>& firings, Time before);

}  // namespace schedules_store

}  // namespace payoutd::jobs
