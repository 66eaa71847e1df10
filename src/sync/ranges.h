// Pure rules: what of a list is read next, and where a range is cut so that two can read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace payoutd::sync {

// A part of a list by `created`, both ends inclusive; what is left of it lies below `after`.
struct Range {
  std::int64_t lower = 0;  // unix seconds; 0: from the first there is
  std::int64_t upper = 0;
  std::string after{};  // the id of the last object that was stored; empty: none yet
  friend bool operator==(const Range&, const Range&) = default;
};

enum class PassKind { whole, rescan, increment };
std::string_view name_of(PassKind kind);
PassKind pass_kind_named(std::string_view name);

struct PassPlan {
  PassKind kind = PassKind::whole;
  std::int64_t from = 0, to = 0;  // unix seconds, inclusive
  Time began_at{};
  friend bool operator==(const PassPlan&, const PassPlan&) = default;
};

// How far a stream was read before.
struct StreamState {
  std::optional<Time> synced_to{}, listed_whole_at{}, rescanned_at{};
  std::optional<PassPlan> open{};  // begun by a run that did not end it
};

// Stripe lists events for 30 days; what changed in a longer absence only whole lists show.
inline constexpr std::chrono::days kEventsReach{29};
// Objects become listable some time after their `created`, seconds as a rule.
inline constexpr std::chrono::hours kOverlap{1};
inline constexpr std::chrono::days kRescan{10};
inline constexpr std::chrono::hours kRescanEvery{24};

// `changes` as in Stream; `events_synced_to` of the same account.
PassPlan plan_pass(const StreamState& state, bool changes, std::optional<Time> events_synced_to,
                   bool repair, Time now);
// The first run, and one after too long an absence, reads no older events: the whole lists that it
// reads show all that they would.
PassPlan plan_events(const StreamState& state, Time now);

// A reading on its way down its range.
struct Descent {
  std::int64_t lower = 0;
  std::int64_t at = 0;         // `created` of the oldest object seen
  std::int64_t page_span = 0;  // seconds that the last full page covered
  std::int64_t covered = 0;    // seconds from the top of the whole pass down to `at`
};

// Where to cut: from the answer on stays, what is below is read by another. The bottom of a list is
// unknown, so that a range without one is cut as far below as was covered already; one with a
// bottom in the middle. Nothing where too little is left to be worth a request.
std::optional<std::int64_t> cut_at(const Descent& descent);

}  // namespace payoutd::sync
