#include "jobs/retry_rules.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "pg/errors.h"

namespace payoutd::jobs {
namespace {

using std::chrono::milliseconds;

TEST(RetryDelay, DoublesUpToAnHour) {
  EXPECT_EQ(retry_delay(1, 0), milliseconds{1000});
  EXPECT_EQ(retry_delay(2, 0), milliseconds{2000});
  EXPECT_EQ(retry_delay(11, 0), milliseconds{1'024'000});
  EXPECT_EQ(retry_delay(13, 0), std::chrono::hours{1});
  EXPECT_EQ(retry_delay(1000, 0), std::chrono::hours{1});
}

TEST(RetryDelay, IsSpreadOverItsSecondHalf) {
  EXPECT_EQ(retry_delay(1, 1), milliseconds{500});
  EXPECT_EQ(retry_delay(3, 0.5), milliseconds{3000});
}

TEST(Failures, OnlyRetryIsTriedAgain) {
  for (const Kind kind : {Kind::invalid, Kind::unprocessable, Kind::unauthorized, Kind::forbidden,
                          Kind::missing, Kind::refused, Kind::limited, Kind::upstream}) {
    EXPECT_FALSE(failure_of(Error{kind, "code", "message"}).retry);
  }
  EXPECT_TRUE(failure_of(Error{Kind::retry, "code", "message"}).retry);
}

TEST(Failures, ADatabaseThatMayComeBackIsTriedAgain) {
  EXPECT_TRUE(failure_of(pg::Lost("gone")).retry);
  EXPECT_TRUE(failure_of(pg::InDoubt("gone")).retry);
  EXPECT_TRUE(failure_of(pg::Conflict("deadlock")).retry);
  EXPECT_TRUE(failure_of(pg::Busy("timeout", "57014")).retry);
  EXPECT_TRUE(failure_of(pg::Busy("disk full", "53100")).retry);
  EXPECT_FALSE(failure_of(pg::SqlError("duplicate", "23505")).retry);
  EXPECT_FALSE(failure_of(pg::SqlError("syntax", "42601")).retry);
  EXPECT_FALSE(failure_of(Broken("1 == 2")).retry);
}

TEST(Failures, AreWrittenSoThatTheyCanBeStoredAndShown) {
  EXPECT_EQ(failure_of(Error{Kind::refused, "no", "never"}).error, "no: never");
  const Error leaky{Kind::refused, "a", "sk_live_abcdefghijklmnop0123"};
  EXPECT_EQ(failure_of(leaky).error.find("mnop"), std::string::npos);
  const auto strange = failure_of(std::runtime_error(std::string("x\0\xff\xc3", 4))).error;
  EXPECT_EQ(strange.find('\0'), std::string::npos);
  EXPECT_NO_THROW(static_cast<void>(Json(strange).dump()));  // valid UTF-8
  std::string longest;
  while (longest.size() < 3 * kMaxErrorBytes) longest += "€";
  const auto cut = failure_of(std::runtime_error("a" + longest)).error;
  EXPECT_LE(cut.size(), kMaxErrorBytes);
  EXPECT_NO_THROW(static_cast<void>(Json(cut).dump()));
}

}  // namespace
}  // namespace payoutd::jobs
