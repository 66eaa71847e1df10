// What repeats: a rule, a time zone and the job that is enqueued each time. A schedule that is due
// fires once, however many instances look; one that was missed, by a stopped service or a clock
// that jumped, fires once and goes on from now.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "jobs/recurrence.h"
#include "pg/database.h"

namespace payoutd::jobs {

using ScheduleId = Id<struct ScheduleTag>;

struct Schedule {
  std::string name;                     // one of its organization's
  std::optional<OrgId> organization{};  // none: of the whole installation
  Repeats repeats = Repeats::daily;
  std::string spec;  // see recurrence.h
  std::string time_zone = "UTC";
  std::string job_kind;
  Priority job_priority = Priority::normal;
  Json job_payload = Json::object();  // the job's gets `fire_at` and `schedule` (its name)
};

struct StoredSchedule : Schedule {
  ScheduleId id;
  bool enabled;
  Time next_fire_at;
  std::optional<Time> last_fired_at;
  std::optional<std::string> last_error;  // why it was disabled by itself
};

// For what the program brings along, at each start: added where there is none of that name; changed
// where the definition differs, and then due next from `now` on. What a person disabled stays so.
// Errors: those of parse_recurrence and find_time_zone.
Result<StoredSchedule> ensure_schedule(pg::Tx& tx, const Schedule& schedule, Time now);

// Errors: as above; refused `schedule_exists`.
Result<StoredSchedule> create_schedule(pg::Tx& tx, const Schedule& schedule, Time now);

// Replaces the definition of the one with this id; enabling it again makes it due next from `now`.
// Errors: as above; missing `schedule_not_found`, also for one of another organization.
Result<StoredSchedule> change_schedule(pg::Tx& tx, ScheduleId id, const Schedule& schedule,
                                       bool enabled, Time now);

// Error: missing `schedule_not_found`.
Result<StoredSchedule> find_schedule(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id);
Result<void> remove_schedule(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id);

// By name, after `after`, at most `limit` (1 to 1000).
std::vector<StoredSchedule> list_schedules(pg::Tx& tx, std::optional<OrgId> organization,
                                           const std::string& after, int limit);

// Fires at most kFiredAtOnce of those that are due at `now` and that no other instance is firing:
// the firing and its job in this transaction. While an earlier firing's job still waits, its job
// stands for both. A schedule that has no next time is disabled with its error, and stops no other.
// Returns how many fired. Error: retry where the machine's time zones can't be read.
inline constexpr int kFiredAtOnce = 200;
Result<std::size_t> fire_due(pg::Tx& tx, Time now);

}  // namespace payoutd::jobs
