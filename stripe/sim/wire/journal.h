// What was done to a simulated Stripe, a line each, so that a restart finds the same world: history
// is made again from the seed up to the same second, then everything since is done again at its own
// time.
#pragma once

#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace payoutd::sim {

class Journal {
 public:
  struct Header {
    std::uint64_t seed = 0;
    int demo = 0;
    std::int64_t epoch = 0;  // unix seconds: where history ended at the first start
  };

  // Makes it with `fresh`, or reads what is there. A last line that was cut off by a kill is
  // dropped. Errors (refused): `journal_other_seed`, `journal_unreadable`.
  static Result<std::unique_ptr<Journal>> open(const std::string& path, const Header& fresh);

  const Header& header() const { return header_; }
  const std::vector<Json>& entries() const { return entries_; }  // of earlier runs
  void forget_entries() { entries_.clear(); }

  // Written before this returns, so that the end of the process loses nothing.
  void append(const OrderedJson& entry);

 private:
  Journal() = default;
  Header header_;
  std::vector<Json> entries_;
  std::ofstream out_;
};

// The simulator's clock: the one it was given, but for the time in which a journal is done again.
class JournalClock final : public Clock {
 public:
  explicit JournalClock(const Clock& given) : given_(given) {}
  Time now() const override {
    const std::int64_t at = replayed_s_.load();
    return at == kLive ? given_.now() : from_unix(at);
  }
  void replay(std::int64_t unix_seconds) { replayed_s_ = unix_seconds; }
  void live() { replayed_s_ = kLive; }

 private:
  static constexpr std::int64_t kLive = -1;
  const Clock& given_;
  std::atomic<std::int64_t> replayed_s_{kLive};
};

}  // namespace payoutd::sim
