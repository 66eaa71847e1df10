// Days, quarters of an hour and rows: together the whole stretch, each instant once.
#include "reports/spans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace payoutd::reports {
namespace {

Time instant(const char* iso) {
  const auto time = parse_time(iso);
  CHECK(time.ok());
  return *time;
}

TEST(SpansBetween, AMonthOfUtcIsOneSpanOfDays) {
  std::vector<Time> bounds;
  for (int day = 0; day <= 31; ++day)
    bounds.push_back(instant("2026-01-01") + std::chrono::days{day});
  const Spans spans = spans_between(bounds);
  EXPECT_EQ(spans.days, (std::vector<Range>{{instant("2026-01-01"), instant("2026-02-01")}}));
  EXPECT_TRUE(spans.quarters.empty() && spans.rows.empty());
}

TEST(SpansBetween, DaysOfAnotherZoneAreQuarters) {
  std::vector<Time> bounds;
  for (int day = 0; day <= 3; ++day)
    bounds.push_back(instant("2026-01-01T18:30:00Z") + std::chrono::days{day});
  const Spans spans = spans_between(bounds);
  EXPECT_EQ(
      spans.quarters,
      (std::vector<Range>{{instant("2026-01-01T18:30:00Z"), instant("2026-01-04T18:30:00Z")}}));
  EXPECT_TRUE(spans.days.empty() && spans.rows.empty());
}

TEST(SpansBetween, InstantsLeaveRowsAtTheirEnds) {
  const Spans spans =
      spans_between({instant("2026-01-01T18:31:07Z"), instant("2026-01-04T00:14:59Z")});
  EXPECT_EQ(spans.rows, (std::vector<Range>{
                            {instant("2026-01-01T18:31:07Z"), instant("2026-01-01T18:45:00Z")},
                            {instant("2026-01-04T00:00:00Z"), instant("2026-01-04T00:14:59Z")}}));
  EXPECT_EQ(
      spans.quarters,
      (std::vector<Range>{{instant("2026-01-01T18:45:00Z"), instant("2026-01-02T00:00:00Z")}}));
  EXPECT_EQ(spans.days, (std::vector<Range>{{instant("2026-01-02"), instant("2026-01-04")}}));
}

TEST(SpansBetween, AreTheWholeStretchOnceWhateverTheBounds) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<Time> bounds;
    const int count = 2 + static_cast<int>(random() % 5);
    for (int i = 0; i < count; ++i) {
      const std::int64_t unit = std::array<std::int64_t, 4>{1, 60, 900, 86'400}[random() % 4];
      bounds.push_back(from_unix(1'700'000'000 / unit * unit +
                                 static_cast<std::int64_t>(random() % 400'000) / unit * unit));
    }
    std::ranges::sort(bounds);
    const Spans spans = spans_between(bounds);
    std::vector<Range> all;
    for (const auto* some : {&spans.days, &spans.quarters, &spans.rows})
      all.insert(all.end(), some->begin(), some->end());
    std::ranges::sort(all, {}, &Range::begin);
    Time reached = bounds.front();
    for (const Range& range : all) {
      ASSERT_EQ(range.begin, reached);
      reached = range.end;
    }
    ASSERT_EQ(reached, bounds.back());
    for (const Time bound : bounds) {
      const auto inside = [&](const Range& range) {
        return range.begin < bound && bound < range.end;
      };
      if (to_unix(bound) % 86'400 != 0) {
        ASSERT_TRUE(std::ranges::none_of(spans.days, inside));
      }
      if (to_unix(bound) % 900 != 0) {
        ASSERT_TRUE(std::ranges::none_of(spans.quarters, inside));
      }
    }
  }
}

}  // namespace
}  // namespace payoutd::reports
