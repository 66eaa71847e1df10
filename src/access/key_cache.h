// The keys that were seen lately, so that a request does not cost a look-up.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "access/role.h"
#include "base/ids.h"

namespace payoutd::access {

struct KnownKey {
  OrgId organization;
  ApiKeyId id;
  std::string name;
  Role role = Role::viewer;
};

// For any number of threads.
class KeyCache {
 public:
  using Clock = std::chrono::steady_clock;

  std::optional<KnownKey> find(const std::string& hash) const;

  // Counts the forgets. A row that was read before a forget must not come in after it: take the
  // count before reading, and put() drops what is older.
  std::uint64_t generation() const;
  void put(const std::string& hash, const KnownKey& key, Clock::time_point until,
           std::uint64_t generation);
  void forget(ApiKeyId id);

 private:
  static constexpr std::size_t kMaxEntries = 10'000;
  struct Entry {
    KnownKey key;
    Clock::time_point until;
  };
  mutable std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace payoutd::access
