#include "stripe/signature.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace payoutd::stripe {
namespace {

constexpr std::size_t kHexLength = 64;
using Hex = std::array<char, kHexLength>;

struct FreeMac {
  void operator()(EVP_MAC_CTX* mac) const { EVP_MAC_CTX_free(mac); }
};
using Mac = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

// A context that has already absorbed the key: each use is a copy, without hashing the key again.
Mac keyed(const Secret& secret) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHECK(hmac != nullptr);
  Mac mac{EVP_MAC_CTX_new(hmac)};
  EVP_MAC_free(hmac);
  CHECK(mac != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  const std::string& key = secret.reveal();
  CHECK(EVP_MAC_init(mac.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                     params) == 1);
  return mac;
}

void absorb(EVP_MAC_CTX* mac, std::string_view bytes) {
  CHECK(EVP_MAC_update(mac, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) ==
        1);
}

Hex sign(const Mac& key, std::string_view seconds, std::string_view body) {
  const Mac mac{EVP_MAC_CTX_dup(key.get())};
  CHECK(mac != nullptr);
  absorb(mac.get(), seconds);
  absorb(mac.get(), ".");
  absorb(mac.get(), body);
  std::array<unsigned char, kHexLength / 2> sum{};
  std::size_t length = 0;
  CHECK(EVP_MAC_final(mac.get(), sum.data(), &length, sum.size()) == 1 && length == sum.size());
  Hex hex{};
  for (std::size_t i = 0; i < sum.size(); ++i) {
    hex[2 * i] = "0123456789abcdef"[sum[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
  }
  return hex;
}

struct Header {
  std::string_view seconds;  // as written: these bytes are signed
  std::int64_t signed_at = 0;
  bool has_v1 = false;
  std::vector<std::string_view> signatures;  // the well-formed ones
};

bool well_formed(std::string_view hex) {
  return hex.size() == kHexLength && std::ranges::all_of(hex, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<std::int64_t> unix_seconds(std::string_view text) {
  if (text.empty() || text.size() > 19 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

Error refusal(std::string code, std::string message) {
  return Error{Kind::invalid, std::move(code), std::move(message)};
}

Error malformed(std::string_view why) {
  return refusal("signature_header_malformed",
                 fmt::format("the Stripe-Signature header {}; Stripe sends t=<unix seconds>,v1=<64 "
                             "lower-case hex digits>",
                             why));
}

// Takes one item into the header; says what is wrong with it.
std::optional<Error> take(std::string_view item, Header& into) {
  const auto equals = item.find('=');
  if (equals == std::string_view::npos) return malformed("has an item without \"=\"");
  const std::string_view key = item.substr(0, equals);
  const std::string_view value = item.substr(equals + 1);
  if (value.contains('=')) return malformed("has an item with more than one \"=\"");
  if (key == "t") {
    if (!into.seconds.empty()) return malformed("has more than one t");
    const auto seconds = unix_seconds(value);
    if (!seconds) return malformed("has a t that is not a plain number of seconds");
    into.seconds = value;
    into.signed_at = *seconds;
  } else if (key == "v1") {
    into.has_v1 = true;
    if (well_formed(value)) into.signatures.push_back(value);
  }
  return std::nullopt;
}

Result<Header> parse_header(std::string_view text) {
  if (text.size() > kMaxSignatureHeader) return malformed("is too long");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; })) {
    return malformed("has whitespace or characters that are not ASCII");
  }
  Header header;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) {
      if (auto wrong = take(text.substr(0, comma), header)) return *std::move(wrong);
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (header.seconds.empty()) return malformed("has no t");
  if (!header.has_v1) {
    return refusal(
        "signature_v1_missing",
        "the Stripe-Signature header has no v1 signature; other schemes are not accepted");
  }
  return header;
}

bool has_whitespace(const Secret& secret) {
  return std::ranges::any_of(secret.reveal(),
                             [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
}

Error mismatch(bool whitespace_in_secret) {
  return refusal(
      "signature_mismatch",
      fmt::format(
          "no v1 signature matches: the secret must be this endpoint's own, and the body the "
          "raw bytes as they were received, not parsed and written again{}",
          whitespace_in_secret ? "; a configured secret contains whitespace, which is "
                                 "probably not part of it"
                               : ""));
}

}  // namespace

struct SignatureVerifier::Keys {
  struct Key {
    Mac mac;
    std::size_t index;
  };
  std::vector<Key> keys;
  bool whitespace = false;

  const Key* signer_of(const Header& header, std::string_view body) const {
    for (const Key& key : keys) {
      const Hex expected = sign(key.mac, header.seconds, body);
      for (const std::string_view given : header.signatures) {
        if (CRYPTO_memcmp(expected.data(), given.data(), kHexLength) == 0) return &key;
      }
    }
    return nullptr;
  }
};

SignatureVerifier::SignatureVerifier(const std::vector<Secret>& secrets,
                                     std::chrono::seconds tolerance)
    : tolerance_(tolerance) {
  CHECK(tolerance.count() > 0);
  auto keys = std::make_unique<Keys>();
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    keys->whitespace |= has_whitespace(secrets[i]);
    if (!secrets[i].empty()) keys->keys.push_back({keyed(secrets[i]), i});
  }
  keys_ = std::move(keys);
}
SignatureVerifier::~SignatureVerifier() = default;
SignatureVerifier::SignatureVerifier(SignatureVerifier&&) noexcept = default;
SignatureVerifier& SignatureVerifier::operator=(SignatureVerifier&&) noexcept = default;

// The tolerance comes after the signature: who cannot sign learns nothing about our clock.
Result<Verified> SignatureVerifier::verify(std::string_view body, std::string_view header,
                                           Time now) const {
  if (keys_->keys.empty()) {
    return Error{
        Kind::retry, "signature_secret_missing",
        "no webhook secret is configured: set STRIPE_WEBHOOK_SECRETS to the endpoint's whsec_…"};
  }
  if (header.empty())
    return refusal("signature_header_missing", "the Stripe-Signature header is missing");
  if (body.empty()) return refusal("signature_body_missing", "the body is empty");
  const auto parsed = parse_header(header);
  if (!parsed) return parsed.error();
  const Keys::Key* signer = keys_->signer_of(*parsed, body);
  if (signer == nullptr) return mismatch(keys_->whitespace);

  // In 128 bits: t has up to 19 digits.
  const auto age_us =
      static_cast<__int128>(to_micros(now)) - static_cast<__int128>(parsed->signed_at) * 1'000'000;
  const auto limit_us = static_cast<__int128>(tolerance_.count()) * 1'000'000;
  if (age_us > limit_us) {
    return refusal("signature_too_old",
                   fmt::format("the signature is older than {} s", tolerance_.count()));
  }
  if (age_us < -limit_us) {
    return refusal(
        "signature_too_new",
        fmt::format("the signature is more than {} s ahead of our clock", tolerance_.count()));
  }
  return Verified{parsed->signed_at, signer->index};
}

std::string signature_header(std::string_view body, const Secret& secret, std::int64_t seconds) {
  const std::string text = std::to_string(seconds);
  const Hex hex = sign(keyed(secret), text, body);
  return fmt::format("t={},v1={}", text, std::string_view(hex.data(), hex.size()));
}

}  // namespace payoutd::stripe
