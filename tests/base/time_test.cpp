#include "base/time.h"

#include <gtest/gtest.h>

namespace payoutd {
namespace {

TEST(Time, WritesIsoWithZ) {
  EXPECT_EQ(to_iso(from_unix(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_iso(from_unix(1700000000)), "2023-11-14T22:13:20Z");
  EXPECT_EQ(to_iso(from_micros(1700000000120000)), "2023-11-14T22:13:20.12Z");
}

TEST(Time, ReadsWhatPeopleWrite) {
  EXPECT_EQ(to_iso(*parse_time("1700000000")), "2023-11-14T22:13:20Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01")), "2026-03-01T00:00:00Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01", DayEdge::last)), "2026-03-01T23:59:59.999999Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01T09:30:00Z")), "2026-03-01T09:30:00Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01T09:30")), "2026-03-01T09:30:00Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01T09:30:00.5Z")), "2026-03-01T09:30:00.5Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01T09:30:00+02:00")), "2026-03-01T07:30:00Z");
  EXPECT_EQ(to_iso(*parse_time("2026-03-01T09:30:00-05:30")), "2026-03-01T15:00:00Z");
}

TEST(Time, RefusesTheRest) {
  for (const char* bad : {"", "yesterday", "2026-02-30", "2026-13-01", "2026-03-01T25:00:00Z", "-5",
                          "2026-03-01 09:30:00", "2026-03-01T09:30:00ZZ", "99999999999999",
                          "2026-03-01T09:30:00+2", "0000-01-01", "2026-3-1"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

}  // namespace
}  // namespace payoutd
