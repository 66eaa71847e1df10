#include "stripe/sim/delivery/webhook_rules.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::sim {

bool wants(const WebhookEndpoint& endpoint, const WebhookEvent& event) {
  if (!endpoint.enabled) return false;
  const std::string& activity_of = endpoint.connect ? event.platform : event.account;
  if (activity_of.empty() || activity_of != endpoint.account) return false;
  // A live Connect endpoint gets test events, too; nothing else crosses modes.
  const bool mode_fits =
      event.livemode == endpoint.livemode || (endpoint.connect && endpoint.livemode);
  return mode_fits && std::ranges::any_of(endpoint.enabled_events, [&](const std::string& type) {
           return type == "*" || type == event.type;
         });
}

std::optional<Time> WebhookRetries::next(int attempts, Time first_attempt, Time now) const {
  CHECK(attempts >= 1);
  if (attempts >= max_attempts) return std::nullopt;
  std::chrono::seconds delay = first;
  for (int n = 1; n < attempts && delay < longest; ++n) delay *= 4;
  const Time due = now + std::min(delay, longest);
  if (due - first_attempt > give_up) return std::nullopt;
  return due;
}

}  // namespace payoutd::sim
