// Stripe's second in which a request was sent, whatever our own clock says.
#include "stripe/server_time.h"

#include <random>

#include "base/clock.h"
#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'760'000'000;
const std::string kNowAsDate = "Date: Thu, 09 Oct 2025 08:53:20 GMT\r\n";

TEST(ServerTime, ReadsHttpsDate) {
  EXPECT_EQ(parse_date("Thu, 09 Oct 2025 08:53:20 GMT"), from_unix(kNow));
  EXPECT_FALSE(parse_date("today"));
  EXPECT_FALSE(parse_date(""));
}

TEST(ServerTime, ASlowAnswerWasAskedForLongBefore) {
  ServerTime time;
  const Instant sent{1000s};
  EXPECT_EQ(time.sent_at(sent, sent + 10s, from_unix(kNow)), from_unix(kNow - 10));
}

TEST(ServerTime, AQuickAnswerTellsOfTheSlowOnesToo) {
  ServerTime time;
  const Instant start{1000s};
  // Dated at the very beginning of its second, and there at once.
  EXPECT_EQ(time.sent_at(start, start, from_unix(kNow)), from_unix(kNow));
  EXPECT_EQ(time.sent_at(start + 2s, start + 12s, from_unix(kNow + 12)), from_unix(kNow + 2));
}

TEST(ServerTime, AnAnswerIsNeverNewerThanItsDate) {
  ServerTime time;
  const Instant start{1000s};
  time.sent_at(start, start, from_unix(kNow + 3600));  // a server whose clock is wrong
  EXPECT_EQ(time.sent_at(start + 1s, start + 1s, from_unix(kNow)), from_unix(kNow));
}

TEST(ServerTime, AClockThatWasSetBackIsBelievedAfterAWhile) {
  ServerTime time;
  const Instant start{1000s};
  time.sent_at(start, start, from_unix(kNow + 3600));
  for (const auto later : {6min, 12min, 18min}) {
    time.sent_at(start + later, start + later, from_unix(kNow) + later);
  }
  const Instant sent = start + 19min;
  EXPECT_EQ(time.sent_at(sent, sent + 5s, from_unix(kNow + 5) + 19min), from_unix(kNow) + 19min);
}

// Against a clock that is known: never later than the truth, and soon at most a second earlier.
TEST(ServerTime, IsNeverLaterThanTheTruth) {
  std::mt19937 random(11);
  ServerTime time;
  Instant now{777ms};
  const auto ahead = std::chrono::seconds{kNow} + 123'456us;  // the server's clock from ours
  const auto floor_of = [&](Instant at) {
    return std::chrono::floor<std::chrono::seconds>(
        Time{std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch()) + ahead});
  };
  for (int i = 0; i < 2'000; ++i) {
    now += std::chrono::milliseconds{random() % 900};
    const Instant dated = now + std::chrono::milliseconds{random() % 400};
    const Instant received = dated + std::chrono::milliseconds{random() % 400};
    const Time answer = time.sent_at(now, received, floor_of(dated));
    ASSERT_LE(answer, floor_of(now));
    if (i > 100) {
      ASSERT_GE(answer, floor_of(now) - 1s);
    }
    now = received;
  }
}

struct ClientTime : testing::TestWithParam<int> {};

// Tells the second by Stripe's Date, as far as the time that the answer took allows.
TEST_P(ClientTime, IsTheServersWhateverOurClockSays) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.reply(200, kPayoutBody, kNowAsDate);
  });
  ManualClock clock(from_unix(kNow + GetParam()));
  World world(wire);
  world.options.clock = &clock;
  const auto client = world.client();
  for (int i = 0; i < 3; ++i) {
    const auto began = std::chrono::steady_clock::now();
    const Time sent_at = client->send(pay()).response.sent_at;
    const auto took =
        std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    EXPECT_LE(sent_at, from_unix(kNow));
    EXPECT_GE(sent_at, from_unix(kNow) - took);
  }
}
INSTANTIATE_TEST_SUITE_P(Skews, ClientTime, testing::Values(-3600, -3, 0, 3, 3600));

TEST(ClientTime, AnImplausibleOrUnreadableDateCountsAsNone) {
  for (const std::string& date : {std::string("Date: Thu, 01 Jan 1970 00:00:07 GMT\r\n"),
                                  std::string("Date: soon\r\n"), std::string()}) {
    Wire wire([&date](WireConnection& connection, const WireRequest&) {
      connection.reply(200, kPayoutBody, date);
    });
    ManualClock clock(from_unix(kNow));
    World world(wire);
    world.options.clock = &clock;
    EXPECT_EQ(world.client()->send(pay()).response.sent_at, from_unix(kNow)) << date;
  }
}

}  // namespace
}  // namespace payoutd::stripe
