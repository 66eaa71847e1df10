// What a folder gives the workers of a running program to do.
#pragma once

#include <functional>
#include <vector>

#include "jobs/handler.h"
#include "jobs/schedules.h"

namespace payoutd::jobs {

struct Duties {
  std::vector<Handler> handlers{};
  std::vector<Schedule> schedules{};  // a person may disable each
  // Enqueues what an instance that starts must catch up with.
  std::function<void(pg::Tx&)> at_start = [](pg::Tx&) {};
};

}  // namespace payoutd::jobs
