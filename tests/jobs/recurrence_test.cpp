#include "jobs/recurrence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace payoutd::jobs {
namespace {

using Texts = std::vector<std::string>;

Texts fires(Repeats repeats, std::string_view spec, std::string_view zone, std::string_view after,
            int count) {
  const auto rule = parse_recurrence(repeats, spec);
  if (!rule) return {rule.error().message};
  const auto found_zone = find_time_zone(zone);
  if (!found_zone) return {found_zone.error().message};
  Texts found;
  Time at = *parse_time(after);
  for (int i = 0; i < count; ++i) {
    const auto next = next_fire(*rule, **found_zone, at);
    if (!next) return {next.error().code};
    found.push_back(to_iso(*next));
    at = *next;
  }
  return found;
}

TEST(Interval, StaysOnTheGridWhateverTheStart) {
  EXPECT_EQ(fires(Repeats::interval, "15m", "UTC", "2026-03-01T09:31:07.5Z", 2),
            (Texts{"2026-03-01T09:45:00Z", "2026-03-01T10:00:00Z"}));
  EXPECT_EQ(fires(Repeats::interval, "1d", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            (Texts{"2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"}));
  EXPECT_EQ(fires(Repeats::interval, "90s", "UTC", "1970-01-01", 1),
            (Texts{"1970-01-01T00:01:30Z"}));
}

TEST(Interval, RefusesWhatIsNoLength) {
  for (const char* bad : {"", "m", "0m", "15", "-5m", "1.5h", "15 m", "367d", "9999d", "15M"}) {
    EXPECT_FALSE(parse_recurrence(Repeats::interval, bad)) << bad;
  }
}

TEST(Daily, FiresAtTheZonesTime) {
  EXPECT_EQ(fires(Repeats::daily, "02:00", "UTC", "2026-03-01T01:59:59Z", 2),
            (Texts{"2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z"}));
  EXPECT_EQ(fires(Repeats::daily, "09:30", "Asia/Kolkata", "2026-03-01T00:00:00Z", 1),
            (Texts{"2026-03-01T04:00:00Z"}));
}

TEST(Daily, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2", "24:00", "02:60", "2:0", "02:00:00", "02:00 x", "a2:00", ":30"}) {
    EXPECT_FALSE(parse_recurrence(Repeats::daily, bad)) << bad;
  }
}

// Berlin 2026: clocks go from 02:00 to 03:00 on March 29, from 03:00 back to 02:00 on October 25.
TEST(DaylightSaving, BerlinsSkippedTimeFiresAtTheEndOfTheGap) {
  EXPECT_EQ(fires(Repeats::daily, "02:30", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            (Texts{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}));
}

TEST(DaylightSaving, SeveralSkippedTimesFireOnceAtTheEndOfTheGap) {
  EXPECT_EQ(fires(Repeats::cron, "*/15 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3),
            (Texts{"2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z", "2026-03-29T01:30:00Z"}));
}

TEST(DaylightSaving, BerlinsRepeatedTimeFiresTheFirstTimeOnly) {
  EXPECT_EQ(fires(Repeats::daily, "02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Texts{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}));
  // Asked between the two, it waits for the next day.
  EXPECT_EQ(fires(Repeats::daily, "02:30", "Europe/Berlin", "2026-10-25T00:45:00Z", 1),
            (Texts{"2026-10-26T01:30:00Z"}));
}

TEST(DaylightSaving, TheEdgesOfTheRepeatedHourFireOnce) {
  EXPECT_EQ(fires(Repeats::daily, "02:00", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Texts{"2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"}));
  EXPECT_EQ(fires(Repeats::daily, "03:00", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Texts{"2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"}));
}

// New York 2026: 02:00 to 03:00 on March 8, 02:00 back to 01:00 on November 1.
TEST(DaylightSaving, NewYorkBothWays) {
  EXPECT_EQ(fires(Repeats::daily, "02:00", "America/New_York", "2026-03-07T12:00:00Z", 2),
            (Texts{"2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"}));
  EXPECT_EQ(fires(Repeats::daily, "01:30", "America/New_York", "2026-10-31T12:00:00Z", 2),
            (Texts{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}));
}

// Lord Howe 2026: 02:00 to 02:30 on October 4, 02:00 back to 01:30 on April 5.
TEST(DaylightSaving, LordHowesHalfHourBothWays) {
  EXPECT_EQ(fires(Repeats::daily, "02:15", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
            (Texts{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}));
  EXPECT_EQ(fires(Repeats::daily, "01:45", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
            (Texts{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}));
}

TEST(DaylightSaving, AGapAtMidnightKeepsTheDay) {
  // Santiago 2026: midnight of September 6 becomes 01:00.
  EXPECT_EQ(fires(Repeats::daily, "00:00", "America/Santiago", "2026-09-05T12:00:00Z", 2),
            (Texts{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}));
}

TEST(DaylightSaving, WhatRunsEveryHourFollowsTheClock) {
  EXPECT_EQ(fires(Repeats::cron, "30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3),
            (Texts{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}));
  EXPECT_EQ(fires(Repeats::cron, "0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
            (Texts{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z",
                   "2026-10-25T03:00:00Z"}));
}

TEST(DaylightSaving, ADailyRuleFiresOnceOnEveryDayOfTenYears) {
  for (const char* zone : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                           "America/Santiago", "Africa/Casablanca", "UTC"}) {
    const TimeZone& there = **find_time_zone(zone);
    for (const char* time : {"00:00", "01:30", "02:15", "02:59"}) {
      const auto rule = *parse_recurrence(Repeats::daily, time);
      Time at = *parse_time("2020-01-01T12:00:00Z");
      const Time end = *parse_time("2030-01-01T12:00:00Z");
      int count = 0;
      for (Time next = *next_fire(rule, there, at); next <= end;
           at = next, next = *next_fire(rule, there, at)) {
        ASSERT_GT(next, at);
        ++count;
      }
      EXPECT_EQ(count, 3653) << zone << " " << time;
    }
  }
}

TEST(Weekly, FiresOnItsDays) {
  EXPECT_EQ(fires(Repeats::weekly, "mon,Thursday 09:00", "UTC", "2026-03-01", 3),
            (Texts{"2026-03-02T09:00:00Z", "2026-03-05T09:00:00Z", "2026-03-09T09:00:00Z"}));
  for (const char* bad :
       {"", "mon", "09:00", "funday 09:00", "mon, thu 09:00", "mond 09:00", "1 09:00"}) {
    EXPECT_FALSE(parse_recurrence(Repeats::weekly, bad)) << bad;
  }
}

TEST(Monthly, AShortMonthsLastDayStandsInForThirtyOne) {
  EXPECT_EQ(fires(Repeats::monthly, "31 02:00", "UTC", "2026-01-31T02:00:00Z", 3),
            (Texts{"2026-02-28T02:00:00Z", "2026-03-31T02:00:00Z", "2026-04-30T02:00:00Z"}));
  EXPECT_EQ(fires(Repeats::monthly, "30 02:00", "UTC", "2028-02-01", 1),
            (Texts{"2028-02-29T02:00:00Z"}));
  EXPECT_EQ(fires(Repeats::monthly, "last 23:59", "UTC", "2028-02-29T00:00:00Z", 2),
            (Texts{"2028-02-29T23:59:00Z", "2028-03-31T23:59:00Z"}));
}

TEST(Monthly, SeveralDaysThatMeetAtTheMonthsEndFireOnce) {
  EXPECT_EQ(fires(Repeats::monthly, "29,30,31 02:00", "UTC", "2026-02-01", 3),
            (Texts{"2026-02-28T02:00:00Z", "2026-03-29T02:00:00Z", "2026-03-30T02:00:00Z"}));
  for (const char* bad : {"0 02:00", "32 02:00", "first 02:00", "1,,2 02:00", "02:00"}) {
    EXPECT_FALSE(parse_recurrence(Repeats::monthly, bad)) << bad;
  }
}

TEST(TimeZones, RefuseWhatTheDatabaseDoesNotName) {
  for (const char* bad :
       {"", "Berlin", "europe/berlin", "CEST+1", "../../etc/passwd", "Mars/Olympus"}) {
    const auto found = find_time_zone(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, "time_zone_unknown");
    EXPECT_EQ(found.error().param, "time_zone");
  }
  EXPECT_TRUE(find_time_zone("America/Argentina/Buenos_Aires"));
  EXPECT_TRUE(find_time_zone("US/Eastern"));
}

TEST(Kinds, AreReadAsTheyAreWritten) {
  for (const auto repeats :
       {Repeats::interval, Repeats::daily, Repeats::weekly, Repeats::monthly, Repeats::cron}) {
    EXPECT_EQ(*parse_repeats(name_of(repeats)), repeats);
  }
  EXPECT_EQ(parse_repeats("yearly").error().param, "kind");
}

}  // namespace
}  // namespace payoutd::jobs
