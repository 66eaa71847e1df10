#include "app/stripe_client.h"

#include <algorithm>

#include "mirror/rate_budget.h"

namespace payoutd::app {

Result<std::unique_ptr<stripe::Client>> open_stripe(const Config& config, pg::Database& db,
                                                    const Clock& clock) {
  if (!config.stripe_key) return std::unique_ptr<stripe::Client>{};
  // Stripe's own proportion: 100 requests/s, of them 25 to one endpoint.
  const double per_second = config.stripe_rps;
  const stripe::Rates rates{.per_second = per_second, .per_route = std::max(25.0, per_second / 4)};
  return stripe::Client::open({.key = *config.stripe_key,
                               .base = config.stripe_api_base,
                               .budget = std::make_shared<mirror::SharedBudget>(db, rates),
                               .clock = &clock});
}

std::optional<bool> livemode_of(const Config& config) {
  if (!config.stripe_key) return std::nullopt;
  return config.stripe_key->reveal().find("_live_") != std::string::npos;
}

sync::Syncer::Settings sync_settings(const Config& config) {
  return {.livemode = livemode_of(config).value_or(false)};
}

}  // namespace payoutd::app
