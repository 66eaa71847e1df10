// Who sent a webhook: verifies the `Stripe-Signature` header over the exact bytes of a body.
//
// The grammar is what every official SDK accepts, and nothing beyond it: one `t` of 1 to 19 digits
// without a leading zero or whitespace, at least one `v1`, each item `key=value`, empty items and
// unknown keys (also `v0`, which test deliveries carry) ignored. A `v1` that is not 64 lower-case
// hex digits never matches. |now - t| may be at most the tolerance: a signature from the far future
// is refused too, as Stripe's PHP and .NET libraries do; machines whose clock is more than 300 s
// wrong must be told, not served. Source: docs.stripe.com/webhooks, "Verify webhook signatures
// manually".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace payoutd::stripe {

struct Verified {
  std::int64_t signed_at = 0;  // unix seconds; of this delivery, not of the event
  std::size_t secret = 0;      // which of the secrets it was signed with
};

inline constexpr std::chrono::seconds kSignatureTolerance{300};
inline constexpr std::size_t kMaxSignatureHeader = 4096;

// Immutable and safe to share between threads. The keys are prepared once.
class SignatureVerifier {
 public:
  // Several secrets: one per endpoint (account and Connect), and the former one while it is rolled.
  explicit SignatureVerifier(const std::vector<Secret>& secrets,
                             std::chrono::seconds tolerance = kSignatureTolerance);
  ~SignatureVerifier();
  SignatureVerifier(SignatureVerifier&&) noexcept;
  SignatureVerifier& operator=(SignatureVerifier&&) noexcept;

  // `body` is what was received, before any parsing. Refusals (400), in this order:
  //   signature_header_missing, signature_body_missing, signature_header_malformed,
  //   signature_v1_missing, signature_mismatch, signature_too_old, signature_too_new.
  // Without a secret: 503 `signature_secret_missing`, so that Stripe delivers again later.
  Result<Verified> verify(std::string_view body, std::string_view header, Time now) const;

 private:
  struct Keys;
  std::unique_ptr<const Keys> keys_;
  std::chrono::seconds tolerance_;
};

// The header that Stripe would send: for tools and tests that deliver to an endpoint of ours.
std::string signature_header(std::string_view body, const Secret& secret,
                             std::int64_t unix_seconds);

}  // namespace payoutd::stripe
