#include "access/key_cache.h"

#include <iterator>

namespace payoutd::access {

std::optional<KnownKey> KeyCache::find(const std::string& hash) const {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(hash);
  if (entry == entries_.end() || entry->second.until <= Clock::now()) return std::nullopt;
  return entry->second.key;
}

std::uint64_t KeyCache::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

void KeyCache::put(const std::string& hash, const KnownKey& key, Clock::time_point until,
                   std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation != generation_) return;
  if (entries_.size() >= kMaxEntries) {
    std::erase_if(entries_, [now = Clock::now()](const auto& e) { return e.second.until <= now; });
  }
  // More live keys than that: start again, rather than grow.
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_.insert_or_assign(hash, Entry{key, until});
}

void KeyCache::forget(ApiKeyId id) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.key.id == id; });
}

}  // namespace payoutd::access
