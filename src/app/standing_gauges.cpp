#include "app/standing_gauges.h"

#include <exception>

#include "base/check.h"
#include "base/log.h"

namespace payoutd::app {
namespace {

constexpr std::chrono::seconds kSampledFor{5};

pg::Database::Options limited(pg::Database::Options options) {
  options.max_connections = 1;
  options.wait_ms = 1'000;
  options.statement_timeout_ms = 2'000;
  options.lock_timeout_ms = 500;
  return options;
}

}  // namespace

StandingGauges::StandingGauges(pg::Database::Options database, http::Metrics& metrics,
                               std::vector<Sampler> samplers)
    : db_(limited(std::move(database))), metrics_(metrics), samplers_(std::move(samplers)) {}

// Who asks while another samples gets the values that are there.
void StandingGauges::publish() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  const auto now = std::chrono::steady_clock::now();
  if (tried_ == std::chrono::steady_clock::time_point{} || now - tried_ >= kSampledFor) {
    tried_ = now;
    try {
      sample();
      sampled_ = now;
    } catch (const std::exception& error) {
      failing_.write(log::Level::warn, "the gauges of the database's standing are not sampled",
                     error.what(), {{"error", error.what()}});
    }
  }
  set_age(now);
}

// Who samples meanwhile tells it, too.
void StandingGauges::tell_age() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) set_age(std::chrono::steady_clock::now());
}

void StandingGauges::set_age(std::chrono::steady_clock::time_point now) {
  const std::chrono::duration<double> age = now - sampled_;
  metrics_
      .gauge("payoutd_standing_age_seconds",
             "Age of the gauges that are read from the database's tables.")
      .Set(age.count());
}

void StandingGauges::sample() {
  const auto sampled = db_.read([this](pg::Tx& tx) -> Result<void> {
    for (const Sampler& sampler : samplers_) sampler(tx, metrics_);
    return {};
  });
  CHECK(sampled.ok());
}

}  // namespace payoutd::app
