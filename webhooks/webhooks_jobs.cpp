#include "webhooks/webhooks_jobs.h"

#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "webhooks/weeks.h"

namespace payoutd::webhooks {
namespace {

jobs::Handler weeks_handler(pg::Database& db, const Clock& clock) {
  return {kDropOldWeeksJob, [&db, &clock](jobs::Run&) -> Result<void> {
            make_weeks(db, clock.now());
            const auto dropped = drop_old_weeks(db, clock.now());
            if (!dropped) return dropped.error();
            return {};
          }};
}

}  // namespace

jobs::Duties duties(const Adopting& adopting) {
  return {.handlers = {weeks_handler(adopting.db, adopting.clock), adopt_handler(adopting)},
          .schedules = {{.name = "drop old weeks of the inbox",
                         .spec = "03:30",
                         .job_kind = kDropOldWeeksJob},
                        {.name = "apply events of accounts that became known",
                         .repeats = jobs::Repeats::interval,
                         .spec = "1h",
                         .job_kind = mirror::kAdoptEventsJob}},
          // Makes the weeks that were not made while no instance ran.
          .at_start = [](pg::Tx& tx) {
            mirror::enqueue_adoption(tx);
            jobs::enqueue(tx, jobs::Job{.kind = kDropOldWeeksJob, .unique_key = "start"});
          }};
}

}  // namespace payoutd::webhooks
