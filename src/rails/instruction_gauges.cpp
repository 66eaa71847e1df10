#include "rails/instruction_gauges.h"

#include <algorithm>
#include <chrono>

#include "rails/instructions_store.h"

namespace payoutd::rails {

void publish_unresolved(pg::Tx& tx, http::Metrics& metrics, Time now) {
  const auto found = instructions_store::unresolved(tx);
  const Time since = std::min(found.unknown_since.value_or(now), now);
  metrics
      .gauge("payoutd_instructions_unknown",
             "Sends to Stripe of which nobody knows yet what became of them.")
      .Set(static_cast<double>(found.unknown));
  metrics.gauge("payoutd_instructions_unknown_seconds", "Age of the oldest of them.")
      .Set(std::chrono::duration<double>(now - since).count());
  metrics.gauge("payoutd_instructions_needs_review", "Sends that a person must look into.")
      .Set(static_cast<double>(found.needs_review));
}

}  // namespace payoutd::rails
