// A seeded source of numbers and of ids in Stripe's shapes: the same seed gives the same bytes on
// every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace payoutd::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {  // both included
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  std::string text(std::size_t length);  // of [0-9A-Za-z]

 private:
  std::uint64_t state_;
};

class Ids {
 public:
  explicit Ids(std::uint64_t seed) : random_(seed) {}

  // "po_1Pgc79B7WZ01zgkWu1KToYf4": five characters of the second, the account's last ten, eight of
  // chance. They only look alike: nobody parses them.
  std::string make(std::string_view prefix, std::int64_t created, std::string_view account);
  std::string account(std::int64_t created);   // "acct_1PgafTB7WZ01zgkW"
  std::string brief(std::string_view prefix);  // "cus_QXg1o8vcGmoR32"
  std::string secret(std::string_view prefix, std::size_t length = 32);

 private:
  Random random_;
};

}  // namespace payoutd::sim
