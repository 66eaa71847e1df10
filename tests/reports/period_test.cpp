// Days, weeks and months of time zones, over clock changes.
#include "reports/period.h"

#include <gtest/gtest.h>

namespace payoutd::reports {
namespace {

const jobs::TimeZone& zone(const char* name) {
  const auto found = jobs::find_time_zone(name);
  CHECK(found.ok());
  return **found;
}

Time at(const char* iso) {
  const auto time = parse_time(iso);
  CHECK(time.ok());
  return *time;
}

std::vector<Period> periods(const char* begin, const char* end, GroupBy group_by,
                            const char* name) {
  const auto found = periods_of({at(begin), at(end)}, group_by, zone(name));
  CHECK(found.has_value());
  return *found;
}

std::int64_t hours(const Period& period) {
  return std::chrono::duration_cast<std::chrono::hours>(period.range.end - period.range.begin)
      .count();
}

TEST(Periods, ADayOfAClockChangeHas23Or25Hours) {
  const auto spring =
      periods("2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z", GroupBy::day, "Europe/Berlin");
  ASSERT_EQ(spring.size(), 2u);
  EXPECT_EQ(text_of(spring[0].date), "2026-03-29");
  EXPECT_EQ(hours(spring[0]), 23);
  EXPECT_EQ(hours(spring[1]), 24);
  const auto autumn =
      periods("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", GroupBy::day, "Europe/Berlin");
  ASSERT_EQ(autumn.size(), 1u);
  EXPECT_EQ(hours(autumn[0]), 25);
}

TEST(Periods, AMidnightThatIsSkippedIsWhereTheGapEnds) {
  // São Paulo's clocks went from 23:59:59 on the 3rd to 01:00 on the 4th.
  EXPECT_EQ(begin_of_day(zone("America/Sao_Paulo"), date::local_days{date::year{2018} / 11 / 4}),
            at("2018-11-04T03:00:00Z"));
  // Havana's midnight of November 1st came twice: the day begins with the first.
  EXPECT_EQ(
      day_of(zone("America/Havana"),
             begin_of_day(zone("America/Havana"), date::local_days{date::year{2026} / 11 / 1})),
      date::local_days{date::year{2026} / 11 / 1});
}

TEST(Periods, WeeksBeginOnMondayAlsoAcrossAYear) {
  const auto weeks = periods("2025-12-31T00:00:00Z", "2026-01-13T00:00:00Z", GroupBy::week, "UTC");
  ASSERT_EQ(weeks.size(), 3u);
  EXPECT_EQ(text_of(weeks[0].date), "2025-12-29");
  EXPECT_EQ(weeks[0].range.begin, at("2025-12-31T00:00:00Z"));  // as far as the report reaches
  EXPECT_EQ(weeks[0].range.end, at("2026-01-05T00:00:00Z"));
  EXPECT_EQ(text_of(weeks[1].date), "2026-01-05");
  EXPECT_EQ(weeks[2].range.end, at("2026-01-13T00:00:00Z"));
}

TEST(Periods, MonthsHaveTheirOwnLengths) {
  const auto months =
      periods("2024-01-15T00:00:00Z", "2024-04-01T00:00:00Z", GroupBy::month, "UTC");
  ASSERT_EQ(months.size(), 3u);
  EXPECT_EQ(text_of(months[0].date), "2024-01-01");
  EXPECT_EQ(hours(months[0]), 17 * 24);
  EXPECT_EQ(hours(months[1]), 29 * 24);
  EXPECT_EQ(hours(months[2]), 31 * 24);
}

TEST(Periods, HaveNoGapsAndNoOverlapsInAnyZone) {
  for (const char* name : {"UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                           "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"}) {
    for (const GroupBy group_by : {GroupBy::day, GroupBy::week, GroupBy::month}) {
      const auto all = periods("2011-06-01T07:00:00Z", "2013-03-03T03:03:03Z", group_by, name);
      EXPECT_EQ(all.front().range.begin, at("2011-06-01T07:00:00Z"));
      EXPECT_EQ(all.back().range.end, at("2013-03-03T03:03:03Z"));
      for (std::size_t i = 1; i < all.size(); ++i) {
        ASSERT_EQ(all[i - 1].range.end, all[i].range.begin) << name;
        ASSERT_LT(all[i].range.begin, all[i].range.end) << name;
      }
    }
  }
}

TEST(Periods, ADayThatNeverWasIsNone) {
  // Samoa went over the date line: there was no December 30, 2011.
  const auto days =
      periods("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", GroupBy::day, "Pacific/Apia");
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(text_of(days[0].date), "2011-12-29");
  EXPECT_EQ(text_of(days[1].date), "2011-12-31");
}

TEST(Periods, AreBounded) {
  const Range decades{at("1990-01-01"), at("2026-01-01")};
  EXPECT_FALSE(periods_of(decades, GroupBy::day, zone("UTC")).has_value());
  EXPECT_EQ(periods_of(decades, GroupBy::month, zone("UTC"))->size(), 36u * 12);
}

}  // namespace
}  // namespace payoutd::reports
