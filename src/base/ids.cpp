#include "base/ids.h"

#include <openssl/rand.h>

#include <chrono>
#include <mutex>

#include "base/check.h"

namespace payoutd {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool dash_at(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

void fill_random(std::uint8_t* into, std::size_t size) {
  CHECK(RAND_bytes(into, static_cast<int>(size)) == 1);
}

// Milliseconds and a 12-bit counter; the counter runs over into the milliseconds, so that ids of
// one process keep growing even when the machine's clock steps back.
std::uint64_t next_tick() {
  static std::mutex mutex;
  static std::uint64_t last = 0;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  const std::scoped_lock lock(mutex);
  last = std::max(last + 1, static_cast<std::uint64_t>(millis) << 12);
  return last;
}

}  // namespace

std::string Uuid::str() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const std::uint8_t b : bytes) {
    if (dash_at(text.size())) text += '-';
    text += kHex[b >> 4];
    text += kHex[b & 15];
  }
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    auto& byte = id.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | value);
    ++nibble;
  }
  return id;
}

Uuid Uuid::v7() {
  const std::uint64_t tick = next_tick();
  const std::uint64_t millis = tick >> 12;
  Uuid id;
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(millis >> (8 * (5 - i)));
  }
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | ((tick >> 8) & 0x0f));
  id.bytes[7] = static_cast<std::uint8_t>(tick & 0xff);
  fill_random(&id.bytes[8], 8);
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string random_text(std::size_t length) {
  static constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string text;
  text.reserve(length);
  std::array<std::uint8_t, 64> bytes{};
  while (text.size() < length) {
    fill_random(bytes.data(), bytes.size());
    for (const std::uint8_t b : bytes) {
      // 248 = 4 * 62: the rest is thrown away, so that every letter is equally likely.
      if (b < 248 && text.size() < length) text += kLetters[b % 62];
    }
  }
  return text;
}

}  // namespace payoutd
