#include "access/key_text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/ids.h"

namespace payoutd::access {

Secret make_key_text() {
  return Secret(std::string(kKeyPrefix) + random_text(kKeyRandomCharacters));
}

bool looks_like_key(std::string_view text) {
  if (text.size() != kKeyPrefix.size() + kKeyRandomCharacters) return false;
  if (!text.starts_with(kKeyPrefix)) return false;
  return std::ranges::all_of(text.substr(kKeyPrefix.size()), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string shown_prefix(const Secret& key) {
  return key.reveal().substr(0, kKeyPrefix.size() + 4);
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  CHECK(size == digest.size());
  return {digest.begin(), digest.end()};
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace payoutd::access
