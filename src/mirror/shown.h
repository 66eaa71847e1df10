// Which of two versions of one object is the newer: pure rules, the same for every kind of object.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "mirror/apply.h"

namespace payoutd::mirror {

// The larger is the newer. `digest` only makes the order total: where two versions differ in
// nothing but it, neither is known to be the newer.
struct Shown {
  std::int32_t stage = 0;  // 1: the object has come to where it stays
  std::int64_t at = 0;     // unix seconds
  std::int64_t rank = 0;   // within one second
  std::int64_t digest = 0;
  friend auto operator<=>(const Shown&, const Shown&) = default;

  bool ties_with(const Shown& other) const {
    return stage == other.stage && at == other.at && rank == other.rank && digest != other.digest;
  }
};

// What orders the versions of one second. Every part only ever grows in an object's life, so of two
// versions the one with the larger part is the later.
struct Progress {
  bool later_than_created = true;  // an event "….created" shows the first version of all
  int step = 0;                    // 0 to 15: how far its states have come
  std::int64_t amount = 0;         // refunded, reversed: what grows by and by

  std::int64_t rank() const {
    constexpr std::int64_t kMost = (std::int64_t{1} << 57) - 1;
    return (std::int64_t{later_than_created} << 61) |
           (std::int64_t{std::clamp(step, 0, 15)} << 57) |
           std::clamp<std::int64_t>(amount, 0, kMost);
  }
};

inline bool later_than_created(const Version& version) {
  return version.source != Source::event || !version.event_type.ends_with(".created");
}

// What names a row. Sorted by it, rows are locked in one order by everybody.
struct Key {
  OrgId organization;
  std::string account;
  std::string stripe_id;
  friend auto operator<=>(const Key&, const Key&) = default;
};

// 64 bits of FNV-1a over length-prefixed parts: the same in every process and on every machine.
class Digest {
 public:
  void add(std::string_view part) {
    add(static_cast<std::int64_t>(part.size()));
    for (const char c : part) step(static_cast<unsigned char>(c));
  }
  void add(std::int64_t part) {
    for (int shift = 0; shift < 64; shift += 8) {
      step(static_cast<unsigned char>(static_cast<std::uint64_t>(part) >> shift));
    }
  }
  void nothing() { step(0x5f); }
  std::int64_t value() const { return static_cast<std::int64_t>(hash_); }

 private:
  void step(unsigned char byte) { hash_ = (hash_ ^ byte) * 1099511628211ULL; }
  std::uint64_t hash_ = 14695981039346656037ULL;
};

}  // namespace payoutd::mirror
