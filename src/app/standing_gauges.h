// What the database knows of the whole installation's health, as gauges: sampled when they are
// asked for, at most every few seconds however many ask. A database that lets it wait costs the
// newest values, and a gauge says how old they are; /metrics answers in any case.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "pg/database.h"
#include "sync/standing.h"
#include "webhooks/apply.h"

namespace payoutd::app {

class StandingGauges {
 public:
  // On a connection of its own, with short limits. All must outlive it.
  StandingGauges(pg::Database::Options database, const Clock& clock, http::Metrics& metrics,
                 const webhooks::ApplyWorkers& apply);

  void publish();
  void tell_age();  // only how old the values are: asks the database nothing

 private:
  void sample();
  void set_age(std::chrono::steady_clock::time_point now);  // by who holds mutex_
  void set(const char* name, const char* help, double value,
           const http::Metrics::Labels& labels = {});
  void publish_mirror(const sync::Standing& standing);

  pg::Database db_;
  const Clock& clock_;
  http::Metrics& metrics_;
  const webhooks::ApplyWorkers& apply_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point tried_{};
  std::chrono::steady_clock::time_point sampled_ = std::chrono::steady_clock::now();
  std::map<std::pair<std::string, std::string>, http::Metrics::Labels>
      differed_;  // by account and currency
  log::Repeated failing_;
};

}  // namespace payoutd::app
