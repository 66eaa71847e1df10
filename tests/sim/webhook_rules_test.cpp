#include "stripe/sim/delivery/webhook_rules.h"

#include <gtest/gtest.h>

namespace payoutd::sim {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

WebhookEndpoint endpoint(bool connect, bool livemode) {
  return {.id = "we_1",
          .url = "http://localhost",
          .account = "acct_platform",
          .connect = connect,
          .livemode = livemode};
}
WebhookEvent own(bool livemode) {
  return {.id = "evt_1", .type = "payout.paid", .account = "acct_platform", .livemode = livemode};
}
WebhookEvent connected(bool livemode) {
  return {.id = "evt_1",
          .type = "payout.paid",
          .account = "acct_seller",
          .platform = "acct_platform",
          .livemode = livemode};
}

TEST(WebhookRules, AnAccountEndpointGetsThePlatformsOwnEvents) {
  EXPECT_TRUE(wants(endpoint(false, true), own(true)));
  EXPECT_FALSE(wants(endpoint(false, true), connected(true)));
}

TEST(WebhookRules, AConnectEndpointGetsThoseOfTheConnectedAccounts) {
  EXPECT_TRUE(wants(endpoint(true, true), connected(true)));
  EXPECT_FALSE(wants(endpoint(true, true), own(true)));
  auto elsewhere = connected(true);
  elsewhere.platform = "acct_other";
  EXPECT_FALSE(wants(endpoint(true, true), elsewhere));
}

TEST(WebhookRules, AConnectedAccountsOwnEndpointGetsItsEvents) {
  auto mine = endpoint(false, true);
  mine.account = "acct_seller";
  EXPECT_TRUE(wants(mine, connected(true)));
}

TEST(WebhookRules, OnlyALiveConnectEndpointGetsTheOtherModesEvents) {
  EXPECT_TRUE(wants(endpoint(true, true), connected(false)));
  EXPECT_FALSE(wants(endpoint(true, false), connected(true)));
  EXPECT_FALSE(wants(endpoint(false, true), own(false)));
  EXPECT_FALSE(wants(endpoint(false, false), own(true)));
}

TEST(WebhookRules, TypesAreExactOrAStar) {
  auto some = endpoint(false, false);
  some.enabled_events = {"payout.failed", "payout.paid"};
  EXPECT_TRUE(wants(some, own(false)));
  some.enabled_events = {"payout.failed", "payout.*", "payout"};
  EXPECT_FALSE(wants(some, own(false)));
}

TEST(WebhookRules, ADisabledEndpointGetsNothing) {
  auto off = endpoint(false, false);
  off.enabled = false;
  EXPECT_FALSE(wants(off, own(false)));
}

// All attempts of a delivery that never succeeds, as seconds after the first.
std::vector<std::int64_t> attempts(const WebhookRetries& retries) {
  const Time first = from_unix(1'700'000'000);
  std::vector<std::int64_t> at{0};
  for (std::optional<Time> due = first;
       (due = retries.next(static_cast<int>(at.size()), first, *due)) && at.size() < 1'000;) {
    at.push_back(to_unix(*due) - to_unix(first));
  }
  return at;
}

TEST(WebhookRules, LiveRetriesBackOffForThreeDays) {
  const auto at = attempts(WebhookRetries::live());
  EXPECT_EQ(std::vector(at.begin(), at.begin() + 5),
            (std::vector<std::int64_t>{0, 2, 10, 42, 170}));
  EXPECT_LE(at.back(), 3 * 24 * 3600);
  EXPECT_GT(at.back(), 2 * 24 * 3600);
  EXPECT_LT(at.size(), 20u);
}

TEST(WebhookRules, ASandboxTriesThreeTimes) {
  EXPECT_EQ(attempts(WebhookRetries::sandbox()), (std::vector<std::int64_t>{0, 60, 300}));
}

TEST(WebhookRules, NothingIsTriedAfterThreeDays) {
  const Time first = from_unix(1'700'000'000);
  EXPECT_FALSE(WebhookRetries::live().next(2, first, first + hours{72}));
  EXPECT_TRUE(WebhookRetries::live().next(2, first, first + hours{71}));
}

}  // namespace
}  // namespace payoutd::sim
