#include "app/standing_gauges.h"

#include <exception>

#include "base/log.h"
#include "jobs/queue.h"
#include "rails/instructions_store.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::app {
namespace {

constexpr std::chrono::seconds kSampledFor{5};

double seconds_since(const std::optional<Time>& then, Time now) {
  if (!then || *then > now) return 0;
  return std::chrono::duration<double>(now - *then).count();
}

pg::Database::Options limited(pg::Database::Options options) {
  options.max_connections = 1;
  options.wait_ms = 1'000;
  options.statement_timeout_ms = 2'000;
  options.lock_timeout_ms = 500;
  return options;
}

struct Sample {
  std::int64_t unknown_events;
  rails::instructions_store::Unresolved instructions;
  jobs::Backlog jobs;
  sync::Standing mirror;
};

}  // namespace

StandingGauges::StandingGauges(pg::Database::Options database, const Clock& clock,
                               http::Metrics& metrics, const webhooks::ApplyWorkers& apply)
    : db_(limited(std::move(database))), clock_(clock), metrics_(metrics), apply_(apply) {}

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
  set("payoutd_standing_age_seconds", "Age of the gauges that are read from the database's tables.",
      age.count());
}

void StandingGauges::sample() {
  const auto inbox = apply_.backlog(db_);
  set("payoutd_apply_waiting", "Stored events that are not applied yet, counted to at most 10,000.",
      static_cast<double>(inbox.waiting));
  set("payoutd_apply_lag_seconds", "Age of the oldest stored event that is not applied.",
      inbox.oldest_seconds);
  set("payoutd_events_set_aside",
      "Events that could not be applied and wait for a person, counted to at most 10,000.",
      static_cast<double>(inbox.failed));

  const auto sample = db_.read([](pg::Tx& tx) -> Result<Sample> {
    return Sample{webhooks::unknown_waiting(tx), rails::instructions_store::unresolved(tx),
                  jobs::backlog(tx), sync::standing(tx)};
  });
  CHECK(sample.ok());
  const auto& [unknown_events, instructions, jobs, mirror] = *sample;
  set("payoutd_events_unknown_account",
      "Events that wait for their account to become known, counted to at most 10,000.",
      static_cast<double>(unknown_events));
  set("payoutd_instructions_unknown",
      "Sends to Stripe of which nobody knows yet what became of them.",
      static_cast<double>(instructions.unknown));
  set("payoutd_instructions_unknown_seconds", "Age of the oldest of them.",
      seconds_since(instructions.unknown_since, clock_.now()));
  set("payoutd_instructions_needs_review", "Sends that a person must look into.",
      static_cast<double>(instructions.needs_review));
  for (const auto& [state, count] :
       {std::pair{"ready", jobs.ready}, std::pair{"scheduled", jobs.scheduled},
        std::pair{"running", jobs.running}, std::pair{"dead", jobs.dead}}) {
    set("payoutd_jobs", "Jobs by state, counted to at most 10,000.", count, {{"state", state}});
  }
  publish_mirror(mirror);
}

void StandingGauges::publish_mirror(const sync::Standing& standing) {
  for (const auto& [state, count] :
       {std::pair{"equal", standing.equal}, std::pair{"different", standing.different},
        std::pair{"moving", standing.moving}}) {
    set("payoutd_mirror_balances",
        "Balances (account and currency) by what their last check found.",
        static_cast<double>(count), {{"state", state}});
  }
  set("payoutd_mirror_payouts_unsummed", "Automatic payouts whose transactions do not sum to them.",
      static_cast<double>(standing.payouts_unsummed));
  set("payoutd_sync_age_seconds",
      "How far behind Stripe the active account is that was synced longest ago.",
      seconds_since(standing.synced_to, clock_.now()));
  set("payoutd_fresh_age_seconds",
      "How old the balance transactions of the active account are that was read longest ago.",
      seconds_since(standing.fresh_until, clock_.now()));
  constexpr const char* kName = "payoutd_mirror_difference";
  constexpr const char* kHelp =
      "Stripe's balance less the mirrored rows' sum, in minor units, of those that differ.";
  // One that is whole again says so; an account that never differed has no line.
  for (const auto& [unused, labels] : differed_) set(kName, kHelp, 0, labels);
  for (const sync::Difference& one : standing.differences) {
    const http::Metrics::Labels labels{{"organization", one.organization.str()},
                                       {"account", one.account},
                                       {"currency", one.currency}};
    differed_[{one.account, one.currency}] = labels;
    set(kName, kHelp, static_cast<double>(one.amount), labels);
  }
}

void StandingGauges::set(const char* name, const char* help, double value,
                         const http::Metrics::Labels& labels) {
  metrics_.gauge(name, help, labels).Set(value);
}

}  // namespace payoutd::app
