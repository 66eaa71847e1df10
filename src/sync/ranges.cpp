#include "sync/ranges.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::sync {

namespace {

constexpr std::int64_t kFewestPages = 4;

std::int64_t seconds_before(Time time, std::chrono::seconds by) {
  return std::max<std::int64_t>(1, to_unix(time) - by.count());
}

}  // namespace

std::string_view name_of(PassKind kind) {
  switch (kind) {
    case PassKind::whole: return "whole";
    case PassKind::rescan: return "rescan";
    case PassKind::increment: return "increment";
  }
  CHECK(false);
}

PassKind pass_kind_named(std::string_view name) {
  if (name == "whole") return PassKind::whole;
  if (name == "rescan") return PassKind::rescan;
  CHECK(name == "increment");
  return PassKind::increment;
}

PassPlan plan_pass(const StreamState& state, bool changes, std::optional<Time> events_synced_to,
                   bool repair, Time now) {
  PassPlan plan{.to = to_unix(now), .began_at = now};
  const bool events_reach = events_synced_to && *events_synced_to > now - kEventsReach;
  if (repair || !state.synced_to || (changes && !events_reach)) return plan;
  const Time known = std::min(*state.synced_to, now);
  if (!state.rescanned_at || *state.rescanned_at <= now - kRescanEvery) {
    plan.kind = PassKind::rescan;
    plan.from = seconds_before(known, kRescan);
  } else {
    plan.kind = PassKind::increment;
    plan.from = seconds_before(known, kOverlap);
  }
  return plan;
}

PassPlan plan_events(const StreamState& state, Time now) {
  const bool reached = state.synced_to && *state.synced_to > now - kEventsReach;
  const Time known = reached ? std::min(*state.synced_to, now) : now;
  return {.kind = PassKind::increment,
          .from = seconds_before(known, kOverlap),
          .to = to_unix(now),
          .began_at = now};
}

std::optional<std::int64_t> cut_at(const Descent& descent) {
  if (descent.at <= 0) return std::nullopt;
  const std::int64_t gap = kFewestPages * std::max<std::int64_t>(1, descent.page_span);
  if (descent.lower == 0) {
    const std::int64_t cut = descent.at - std::max(gap, descent.covered);
    if (cut <= 1) return std::nullopt;
    return cut;
  }
  const std::int64_t left = descent.at - descent.lower;
  if (left < 2 * gap) return std::nullopt;
  return descent.at - left / 2;
}

}  // namespace payoutd::sync
