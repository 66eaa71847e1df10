// What the database knows of the whole installation's health, as gauges: sampled when they are
// asked for, at most every few seconds however many ask. A database that lets it wait costs the
// newest values, and a gauge says how old they are; /metrics answers in any case.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "http/metrics.h"
#include "pg/database.h"

namespace payoutd::app {

class StandingGauges {
 public:
  // Sets one folder's gauges from what the database holds.
  using Sampler = std::function<void(pg::Tx&, http::Metrics&)>;
  // On a connection of its own, with short limits. `metrics` must outlive it.
  StandingGauges(pg::Database::Options database, http::Metrics& metrics,
                 std::vector<Sampler> samplers);

  void publish();
  void tell_age();  // only how old the values are: asks the database nothing

 private:
  void sample();
  void set_age(std::chrono::steady_clock::time_point now);  // by the holder of mutex_

  pg::Database db_;
  http::Metrics& metrics_;
  const std::vector<Sampler> samplers_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point tried_{};
  std::chrono::steady_clock::time_point sampled_ = std::chrono::steady_clock::now();
  log::Repeated failing_;
};

}  // namespace payoutd::app
