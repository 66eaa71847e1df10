// Where a mirror differs from Stripe: the whole list of balance transactions beside the mirrored
// rows, row by row, newest first. One page of each is held at a time.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "mirror/apply.h"
#include "sync/verify.h"

namespace payoutd::sync {

// The first day that differs, of one currency: at most kMostNamed ids of each kind.
inline constexpr std::size_t kMostNamed = 1'000;
struct DayDifference {
  pg::Day day{};
  std::vector<std::string> missing{}, altered{}, surplus{};
};

struct Differences {
  std::map<Currency, DayDifference> first_days;
  std::int64_t missing = 0, altered = 0, surplus = 0;  // of all days
  std::int64_t mended = 0;
};

struct Comparison {
  pg::Database& db;
  stripe::Client& client;
  const mirror::Appliers& appliers;
  // Missing and altered rows are applied as Stripe shows them now; rows that Stripe says it does
  // not have are removed.
  bool mend = false;
  const std::atomic<bool>* stopping = nullptr;
};

// Rows younger than `until` are left alone: they may be on their way. Errors: as Client::call;
// retry `sync_stopped`.
Result<Differences> compare_with_list(const Comparison& comparison, const Target& target,
                                      Time until);

}  // namespace payoutd::sync
