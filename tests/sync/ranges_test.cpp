// Where a reading begins and ends, and where a range is cut: pure rules.
#include "sync/ranges.h"

#include <gtest/gtest.h>

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_unix(1'767'614'400);
constexpr std::int64_t kHour = 3'600, kDay = 86'400;
const std::int64_t kNowS = to_unix(kNow);

StreamState synced(Time to, std::optional<Time> rescanned) {
  return {.synced_to = to, .listed_whole_at = to, .rescanned_at = rescanned};
}

TEST(PlanPass, TheFirstReadsAll) {
  const PassPlan plan = plan_pass({}, true, std::nullopt, false, kNow);
  EXPECT_EQ(plan.kind, PassKind::whole);
  EXPECT_EQ(plan.from, 0);
  EXPECT_EQ(plan.to, kNowS);
}

TEST(PlanPass, TheNextReadsWhatIsNewAndAnHourBefore) {
  const PassPlan plan = plan_pass(synced(kNow - 2h, kNow - 3h), true, kNow - 2h, false, kNow);
  EXPECT_EQ(plan.kind, PassKind::increment);
  EXPECT_EQ(plan.from, kNowS - 3 * kHour);
}

TEST(PlanPass, OnceADayItLooksTenDaysBack) {
  const PassPlan plan = plan_pass(synced(kNow - 2h, kNow - 24h), true, kNow - 2h, false, kNow);
  EXPECT_EQ(plan.kind, PassKind::rescan);
  EXPECT_EQ(plan.from, kNowS - 2 * kHour - 10 * kDay);
}

TEST(PlanPass, WhatEventsNoLongerTellOnlyAWholeListShows) {
  const Time long_ago = kNow - std::chrono::days(29);
  EXPECT_EQ(plan_pass(synced(long_ago, long_ago), true, long_ago, false, kNow).kind,
            PassKind::whole);
  // What never changes is only read on.
  EXPECT_EQ(plan_pass(synced(long_ago, long_ago), false, long_ago, false, kNow).kind,
            PassKind::rescan);
  // Lists of today are of no use where the events were never read.
  EXPECT_EQ(plan_pass(synced(kNow - 2h, kNow - 2h), true, std::nullopt, false, kNow).kind,
            PassKind::whole);
}

TEST(PlanPass, ARepairReadsAllAgain) {
  EXPECT_EQ(plan_pass(synced(kNow - 2h, kNow - 2h), false, kNow - 2h, true, kNow).kind,
            PassKind::whole);
}

TEST(PlanPass, AClockThatWentBackDoesNotSkip) {
  const PassPlan plan = plan_pass(synced(kNow + 5h, kNow + 5h), true, kNow + 5h, false, kNow);
  EXPECT_LE(plan.from, kNowS - kHour);
}

TEST(PlanEvents, TheFirstRunReadsTheLastHourOnly) {
  EXPECT_EQ(plan_events({}, kNow).from, kNowS - kHour);
  EXPECT_EQ(plan_events(synced(kNow - 72h, {}), kNow).from, kNowS - 73 * kHour);
  EXPECT_EQ(plan_events(synced(kNow - std::chrono::days(40), {}), kNow).from, kNowS - kHour);
}

TEST(CutAt, WithoutABottomAsFarBelowAsWasCovered) {
  EXPECT_EQ(cut_at({.lower = 0, .at = 1'000'000, .page_span = 100, .covered = 100}),
            1'000'000 - 400);
  EXPECT_EQ(cut_at({.lower = 0, .at = 1'000'000, .page_span = 100, .covered = 5'000}),
            1'000'000 - 5'000);
  EXPECT_EQ(cut_at({.lower = 0, .at = 1'000, .page_span = 100, .covered = 5'000}), std::nullopt);
}

TEST(CutAt, WithABottomInTheMiddle) {
  EXPECT_EQ(cut_at({.lower = 500'000, .at = 1'000'000, .page_span = 100, .covered = 1}), 750'000);
  EXPECT_EQ(cut_at({.lower = 999'300, .at = 1'000'000, .page_span = 100, .covered = 1}),
            std::nullopt);
  EXPECT_EQ(cut_at({.lower = 1, .at = 0, .page_span = 0, .covered = 0}), std::nullopt);
}

// Both parts together are the whole, whatever the figures.
TEST(CutAt, StaysInsideTheRange) {
  for (std::int64_t lower :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{900}, std::int64_t{999}}) {
    for (std::int64_t at = lower; at < 1'005; ++at) {
      for (std::int64_t span : {0, 1, 7, 600}) {
        const auto cut =
            cut_at({.lower = lower, .at = at, .page_span = span, .covered = 1'010 - at});
        if (!cut) continue;
        EXPECT_GT(*cut, lower);
        EXPECT_LE(*cut, at);
      }
    }
  }
}

}  // namespace
}  // namespace payoutd::sync
