// The Stripe-Signature header, as Stripe writes it (reference 1.1).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/time.h"

namespace payoutd::sim {

// 64 lower-case hex digits of HMAC-SHA256 over "<t>.<body>", keyed by the whole secret with its
// prefix.
std::string v1_signature(std::string_view body, const Secret& secret, std::int64_t t);

// "t=…,v1=…": one v1 for each secret, and for test events a v0 that must never be accepted.
std::string signature_header(std::string_view body, std::span<const Secret> secrets, Time now,
                             bool livemode);

// A secret for an endpoint: "whsec_" and 32 characters.
Secret make_webhook_secret();

}  // namespace payoutd::sim
