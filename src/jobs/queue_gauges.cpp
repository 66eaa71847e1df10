#include "jobs/queue_gauges.h"

#include <utility>

#include "jobs/queue.h"

namespace payoutd::jobs {

void publish_backlog(pg::Tx& tx, http::Metrics& metrics) {
  const Backlog found = backlog(tx);
  for (const auto& [state, count] :
       {std::pair{"ready", found.ready}, std::pair{"scheduled", found.scheduled},
        std::pair{"running", found.running}, std::pair{"dead", found.dead}}) {
    metrics.gauge("payoutd_jobs", "Jobs by state, counted to at most 10,000.", {{"state", state}})
        .Set(static_cast<double>(count));
  }
}

}  // namespace payoutd::jobs
