#include "jobs/cron.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "jobs/recurrence.h"

namespace payoutd::jobs {
namespace {

// The next `count` instants of a cron expression in UTC, as text.
std::vector<std::string> fires(std::string_view cron, std::string_view after, int count = 1) {
  const auto rule = parse_recurrence(Repeats::cron, cron);
  if (!rule) return {rule.error().message};
  const TimeZone& utc = **find_time_zone("UTC");
  std::vector<std::string> found;
  Time at = *parse_time(after);
  for (int i = 0; i < count; ++i) {
    const auto next = next_fire(*rule, utc, at);
    if (!next) return {next.error().code};
    found.push_back(to_iso(*next));
    at = *next;
  }
  return found;
}

struct Row {
  const char* cron;
  const char* after;
  const char* next;
};

class CronTable : public testing::TestWithParam<Row> {};

TEST_P(CronTable, FiresNextAt) {
  const Row row = GetParam();
  EXPECT_EQ(fires(row.cron, row.after).front(), row.next) << row.cron;
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, CronTable,
    testing::Values(
        Row{"* * * * *", "2026-03-01T09:30:00Z", "2026-03-01T09:31:00Z"},
        Row{"* * * * *", "2026-03-01T09:30:59.999999Z", "2026-03-01T09:31:00Z"},
        Row{"* * * * *", "2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"},
        Row{"*/15 * * * *", "2026-03-01T09:46:00Z", "2026-03-01T10:00:00Z"},
        Row{"10-40/15 * * * *", "2026-03-01T09:26:00Z", "2026-03-01T09:40:00Z"},
        Row{"5/20 * * * *", "2026-03-01T09:26:00Z", "2026-03-01T09:45:00Z"},
        Row{"0,30 9-17 * * 1-5", "2026-03-06T17:30:00Z", "2026-03-09T09:00:00Z"},
        Row{"0 2 * * *", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z"},
        Row{"0 0 1 jan *", "2026-03-01", "2027-01-01T00:00:00Z"},
        Row{"0 0 * FEB,Apr mon", "2026-03-01", "2026-04-06T00:00:00Z"},
        Row{"0 0 * * 7", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"},
        Row{"0 0 * * fri-sun", "2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z"},
        Row{"0 0 * * 5-7", "2026-03-07T12:00:00Z", "2026-03-08T00:00:00Z"},
        Row{"0 0 29 2 *", "2026-03-01", "2028-02-29T00:00:00Z"},
        Row{"0 0 29 2 *", "2096-03-01", "2104-02-29T00:00:00Z"},
        Row{"0 0 31 * *", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"},
        Row{"0 0 13 * 5", "2026-03-01", "2026-03-06T00:00:00Z"},  // the 13th, or any Friday
        Row{"0 0 13 * 5", "2026-04-10", "2026-04-13T00:00:00Z"},
        Row{"0 0 */2 * 5", "2026-03-01", "2026-03-13T00:00:00Z"},   // an odd day that is a Friday
        Row{"0 0 29 2 */7", "2026-03-01", "2032-02-29T00:00:00Z"},  // a Sunday
        Row{"@hourly", "2026-03-01T09:30:00Z", "2026-03-01T10:00:00Z"},
        Row{"@daily", "2026-03-01T09:30:00Z", "2026-03-02T00:00:00Z"},
        Row{"@midnight", "2026-03-01T09:30:00Z", "2026-03-02T00:00:00Z"},
        Row{"@weekly", "2026-03-02", "2026-03-08T00:00:00Z"},
        Row{"@monthly", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"},
        Row{"@Yearly", "2026-03-01", "2027-01-01T00:00:00Z"},
        Row{"@annually", "2026-03-01", "2027-01-01T00:00:00Z"},
        Row{"  0\t2   * * * ", "2026-03-01T03:00:00Z", "2026-03-02T02:00:00Z"}));

struct Refusal {
  const char* cron;
  const char* says;
};

class CronRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(CronRefusals, NameTheFieldAndWhatIsAllowed) {
  const Refusal row = GetParam();
  const auto parsed = parse_cron(row.cron);
  ASSERT_FALSE(parsed) << row.cron;
  EXPECT_EQ(parsed.error().kind, Kind::unprocessable);
  EXPECT_EQ(parsed.error().code, "schedule_invalid");
  EXPECT_EQ(parsed.error().param, "spec");
  EXPECT_NE(parsed.error().message.find(row.says), std::string::npos) << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, CronRefusals,
    testing::Values(
        Refusal{"", "five fields"}, Refusal{"* * * *", "has 4"}, Refusal{"0 * * * * *", "has 6"},
        Refusal{"60 * * * *", "minute: `60` is out of range; allowed are 0-59"},
        Refusal{"* 24 * * *", "hour: `24` is out of range; allowed are 0-23"},
        Refusal{"* * 0 * *", "day of month: `0` is out of range; allowed are 1-31"},
        Refusal{"* * * 13 *", "month: `13` is out of range; allowed are 1-12 or jan-dec"},
        Refusal{"* * * * 8", "weekday: `8` is out of range; allowed are 0-7 or sun-sat"},
        Refusal{"-1 * * * *", "minute: `-1` is not a value"},
        Refusal{"5- * * * *", "minute: `5-` is not a range"},
        Refusal{"1-2-3 * * * *", "minute: `1-2-3` is not a range"},
        Refusal{"40-10 * * * *", "minute: `40-10` runs backwards"},
        Refusal{"*/0 * * * *", "minute: `*/0` has a step that is not a number above 0"},
        Refusal{"*/ * * * *", "has a step"}, Refusal{"*/x * * * *", "has a step"},
        Refusal{"*/90 * * * *", "has a step longer than the field"},
        Refusal{"1,,2 * * * *", "empty place"}, Refusal{", * * * *", "empty place"},
        Refusal{"1, * * * *", "empty place"}, Refusal{"** * * * *", "is not a value"},
        Refusal{"mon * * * *", "minute: `mon` is not a value"},
        Refusal{"* * * monday *", "month: `monday` is not a value"},
        Refusal{"0 0 ? * *", "day of month: `?` is not a value"},
        Refusal{"0 0 L * *", "day of month: `L` is not a value"},
        Refusal{"0 0 * * 5#3", "weekday: `5#3` is not a value"},
        Refusal{"99999999999999999999 * * * *", "is not a value"},
        Refusal{"0 0 30 2 *", "never matches"}, Refusal{"0 0 31 4,6,9,11 *", "never matches"},
        Refusal{"0 0 30-31 feb */2", "never matches"}, Refusal{"@reboot", "allowed are @hourly"},
        Refusal{"@every 5m", "allowed are @hourly"}));

TEST(Cron, RefusesWhatIsTooLong) {
  const auto parsed = parse_cron(std::string(401, '*'));
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("at most 400"), std::string::npos);
}

TEST(Cron, ADayThatNeverComesIsFineWhereAWeekdayWillDo) {
  EXPECT_EQ(fires("0 0 30 2 mon", "2026-02-01", 2),
            (std::vector<std::string>{"2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"}));
}

TEST(Cron, AFullDayOfQuartersIsNinetySix) {
  const auto day = fires("*/15 * * * *", "2026-02-28T23:59:00Z", 97);
  EXPECT_EQ(day.front(), "2026-03-01T00:00:00Z");
  EXPECT_EQ(day[95], "2026-03-01T23:45:00Z");
  EXPECT_EQ(day[96], "2026-03-02T00:00:00Z");
}

}  // namespace
}  // namespace payoutd::jobs
