// POST /webhooks/stripe: verified over the exact bytes, stored, answered after the commit.
#pragma once

#include <vector>

#include "base/clock.h"
#include "http/router.h"
#include "stripe/signature.h"
#include "webhooks/inbox.h"

namespace payoutd::webhooks {

// All three must outlive the routes.
std::vector<http::Route> webhook_routes(const stripe::SignatureVerifier& verifier, Inbox& inbox,
                                        const Clock& clock);

}  // namespace payoutd::webhooks
