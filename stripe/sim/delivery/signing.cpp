#include "stripe/sim/delivery/signing.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>

#include "base/check.h"
#include "base/ids.h"

namespace payoutd::sim {

std::string v1_signature(std::string_view body, const Secret& secret, std::int64_t t) {
  std::string signed_bytes = fmt::format("{}.", t);
  signed_bytes += body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int length = 0;
  const std::string& key = secret.reveal();
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(),
             mac.data(), &length) != nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", mac[i]);
  return hex;
}

std::string signature_header(std::string_view body, std::span<const Secret> secrets, Time now,
                             bool livemode) {
  const std::int64_t t = to_unix(now);
  std::string header = fmt::format("t={}", t);
  for (const Secret& secret : secrets) header += ",v1=" + v1_signature(body, secret, t);
  // Made with a key that nobody holds, so that a receiver that takes v0 fails its test.
  if (!livemode) header += ",v0=" + v1_signature(body, Secret{"v0"}, t);
  return header;
}

Secret make_webhook_secret() { return Secret{"whsec_" + random_text(32)}; }

}  // namespace payoutd::sim
