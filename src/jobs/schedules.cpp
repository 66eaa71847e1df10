#include "jobs/schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "jobs/queue.h"
#include "jobs/schedules_store.h"

namespace payoutd::jobs {
namespace {

// A firing is kept while a clock that was set back could make it due again.
constexpr auto kRememberedFor = date::days{90};

Result<Time> next_of(const Schedule& schedule, Time after) {
  const auto rule = parse_recurrence(schedule.repeats, schedule.spec);
  if (!rule) return rule.error();
  const auto zone = find_time_zone(schedule.time_zone);
  if (!zone) return zone.error();
  return next_fire(*rule, **zone, after);
}

Result<Time> first_of(const Schedule& schedule, Time now) {
  if (schedule.name.empty() || schedule.name.size() > 200) {
    return Error{Kind::unprocessable, "schedule_invalid", "a name has 1 to 200 bytes", "name"};
  }
  if (!schedule.job_payload.is_object()) {
    return Error{Kind::unprocessable, "schedule_invalid", "a payload is a JSON object", "payload"};
  }
  return next_of(schedule, now);
}

Error exists(const Schedule& schedule) {
  return {Kind::refused, "schedule_exists",
          fmt::format("there is a schedule with the name `{}` already", schedule.name), "name"};
}

Error no_such_schedule() {
  return {Kind::missing, "schedule_not_found", "there is no such schedule"};
}

Result<Firing> firing_of(const StoredSchedule& schedule, Time now) {
  Firing firing{schedule.id, schedule.next_fire_at, schedule.next_fire_at, std::nullopt};
  // A clock that was set back must not bring back what has fired.
  const auto next = next_of(schedule, std::max(now, schedule.next_fire_at));
  if (next) {
    firing.next_fire_at = *next;
    return firing;
  }
  if (next.error().kind == Kind::retry) return next.error();
  firing.error = next.error().message;
  log::error("a schedule has no next time and is disabled",
             {{"schedule", schedule.name}, {"error", *firing.error}});
  return firing;
}

Job job_of(const StoredSchedule& schedule) {
  Json payload = schedule.job_payload;
  payload["fire_at"] = to_iso(schedule.next_fire_at);
  payload["schedule"] = schedule.name;
  return {.kind = schedule.job_kind,
          .organization = schedule.organization,
          .payload = std::move(payload),
          .priority = schedule.job_priority,
          .unique_key = "schedule:" + schedule.id.str()};
}

}  // namespace

Result<StoredSchedule> ensure_schedule(pg::Tx& tx, const Schedule& schedule, Time now) {
  const auto next = first_of(schedule, now);
  if (!next) return next.error();
  return schedules_store::upsert(tx, schedule, *next);
}

Result<StoredSchedule> create_schedule(pg::Tx& tx, const Schedule& schedule, Time now) {
  const auto next = first_of(schedule, now);
  if (!next) return next.error();
  auto created = schedules_store::insert(tx, schedule, *next);
  if (!created) return exists(schedule);
  return std::move(*created);
}

Result<StoredSchedule> change_schedule(pg::Tx& tx, ScheduleId id, const Schedule& schedule,
                                       bool enabled, Time now) {
  const auto next = first_of(schedule, now);
  if (!next) return next.error();
  auto stored = schedules_store::lock(tx, schedule.organization, id);
  if (!stored) return no_such_schedule();
  static_cast<Schedule&>(*stored) = schedule;
  stored->enabled = enabled;
  stored->next_fire_at = *next;
  stored->last_error.reset();
  const auto refused = tx.attempt([&] { schedules_store::update(tx, *stored); });
  if (refused && !refused->unique_violation()) throw *refused;
  if (refused) return exists(schedule);
  return std::move(*stored);
}

Result<StoredSchedule> find_schedule(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id) {
  auto found = schedules_store::find(tx, organization, id);
  if (!found) return no_such_schedule();
  return std::move(*found);
}

Result<void> remove_schedule(pg::Tx& tx, std::optional<OrgId> organization, ScheduleId id) {
  if (!schedules_store::remove(tx, organization, id)) return no_such_schedule();
  return {};
}

std::vector<StoredSchedule> list_schedules(pg::Tx& tx, std::optional<OrgId> organization,
                                           const std::string& after, int limit) {
  CHECK(limit >= 1 && limit <= 1000);
  return schedules_store::list(tx, organization, after, limit);
}

Result<std::size_t> fire_due(pg::Tx& tx, Time now) {
  const auto due = schedules_store::lock_due(tx, now, kFiredAtOnce);
  if (due.empty()) return std::size_t{0};
  std::vector<Firing> firings;
  for (const StoredSchedule& schedule : due) {
    const auto firing = firing_of(schedule, now);
    if (!firing) return firing.error();
    firings.push_back(*firing);
  }
  const std::set<ScheduleId> fired = schedules_store::record_firings(tx, firings);
  std::vector<Job> jobs;
  for (const StoredSchedule& schedule : due) {
    if (fired.contains(schedule.id)) jobs.push_back(job_of(schedule));
  }
  enqueue(tx, jobs);
  schedules_store::advance(tx, firings);
  schedules_store::forget_firings(tx, firings, now - kRememberedFor);
  return fired.size();
}

}  // namespace payoutd::jobs
