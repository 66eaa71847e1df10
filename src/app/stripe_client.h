// The client of Stripe's API as the settings want it, for the service and for commands alike.
#pragma once

#include <memory>

#include "app/config.h"
#include "base/clock.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "sync/sync.h"

namespace payoutd::app {

// Null without STRIPE_SECRET_KEY. Its requests are counted together with those of all instances on
// the database. Both must outlive it. Errors: those of stripe::Client::open.
Result<std::unique_ptr<stripe::Client>> open_stripe(const Config& config, pg::Database& db,
                                                    const Clock& clock);

// Nothing without a key.
std::optional<bool> livemode_of(const Config& config);

sync::Syncer::Settings sync_settings(const Config& config);

}  // namespace payoutd::app
