// The keys that this program writes into the metadata of Stripe's payouts and transfers.
// Source: Stripe, "Metadata": keys of up to 40 characters, 50 to an object.
#pragma once

namespace payoutd::stripe {

// By these a webhook that overtakes the answer, or a list, finds the payout's row.
inline constexpr const char* kPayoutIdKey = "payoutd_payout_id";
inline constexpr const char* kAttemptKey = "payoutd_attempt";
// The Idempotency-Key that the payout was asked for with: a database that forgot it finds it again.
inline constexpr const char* kRequestKey = "payoutd_key";

}  // namespace payoutd::stripe
