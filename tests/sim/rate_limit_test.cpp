#include "stripe/sim/wire/rate_limit.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace payoutd::sim {
namespace {

using Limits = RateLimiter::Limits;
using std::chrono::milliseconds;
const auto kStart = std::chrono::steady_clock::time_point{} + std::chrono::hours{1};

RateLimiter::Call get(std::string_view endpoint, bool livemode = false) {
  return {.account = "acct_1", .livemode = livemode, .method = "GET", .endpoint = endpoint};
}
RateLimiter::Call create_payout(bool livemode = true) {
  return {.account = "acct_1", .livemode = livemode, .method = "POST", .endpoint = "/v1/payouts"};
}

// How many of `tries` calls at one moment are let through, ending each at once.
int passed(RateLimiter& limiter, const RateLimiter::Call& call, int tries,
           std::chrono::steady_clock::time_point now) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limiter.check(call, now).has_value() ? 1 : 0;
  return count;
}

TEST(RateLimit, TestModeHas25ASecond) {
  RateLimiter limiter;
  EXPECT_EQ(passed(limiter, get("/v1/payouts"), 20, kStart), 20);
  EXPECT_EQ(passed(limiter, get("/v1/charges"), 20, kStart), 5);
  EXPECT_EQ(limiter.check(get("/v1/charges"), kStart).error(), LimitReason::global_rate);
  EXPECT_EQ(passed(limiter, get("/v1/charges"), 20, kStart + milliseconds{200}), 5);
  EXPECT_EQ(passed(limiter, get("/v1/events"), 50, kStart + milliseconds{60'000}), 25);
}

TEST(RateLimit, LiveModeHas100ASecondAnd25AnEndpoint) {
  RateLimiter limiter;
  for (const char* endpoint : {"/a", "/b", "/c", "/d"}) {
    EXPECT_EQ(passed(limiter, get(endpoint, true), 25, kStart), 25);
  }
  EXPECT_EQ(limiter.check(get("/e", true), kStart).error(), LimitReason::global_rate);
  RateLimiter one;
  EXPECT_EQ(passed(one, get("/a", true), 100, kStart), 25);
  EXPECT_EQ(one.check(get("/a", true), kStart).error(), LimitReason::endpoint_rate);
  EXPECT_TRUE(one.check(get("/b", true), kStart));
}

TEST(RateLimit, ARefusedCallCostsNothing) {
  RateLimiter limiter;
  EXPECT_EQ(passed(limiter, get("/a", true), 10'000, kStart), 25);
  EXPECT_EQ(passed(limiter, get("/b", true), 25, kStart), 25);
}

TEST(RateLimit, AccountsAndModesHaveTheirOwn) {
  RateLimiter limiter;
  passed(limiter, get("/a"), 100, kStart);
  auto other = get("/a");
  other.account = "acct_2";
  EXPECT_EQ(passed(limiter, other, 25, kStart), 25);
  EXPECT_EQ(passed(limiter, get("/a", true), 25, kStart), 25);
}

TEST(RateLimit, PayoutsAreCreated15ASecond) {
  RateLimiter limiter;
  EXPECT_EQ(passed(limiter, create_payout(), 100, kStart), 15);
  EXPECT_EQ(limiter.check(create_payout(), kStart).error(), LimitReason::endpoint_rate);
  EXPECT_TRUE(limiter.check(get("/v1/payouts", true), kStart));
}

TEST(RateLimit, ThirtyPayoutsAreCreatedAtOnce) {
  RateLimiter limiter(Limits{.live_rps = 0, .payout_rps = 0});
  std::vector<RateLimiter::Permit> running;
  for (int i = 0; i < 30; ++i) {
    auto permit = limiter.check(create_payout(), kStart);
    ASSERT_TRUE(permit);
    running.push_back(std::move(*permit));
  }
  EXPECT_EQ(limiter.check(create_payout(), kStart).error(), LimitReason::endpoint_concurrency);
  EXPECT_TRUE(limiter.check(get("/v1/payouts", true), kStart));
  running.pop_back();
  EXPECT_TRUE(limiter.check(create_payout(), kStart));
}

TEST(RateLimit, AListCountsMoreAgainstConcurrency) {
  RateLimiter limiter(Limits{.global_concurrent = 5, .list_weight = 3});
  auto list = get("/v1/charges");
  list.list = true;
  auto first = limiter.check(list, kStart);
  ASSERT_TRUE(first);
  EXPECT_EQ(limiter.check(list, kStart).error(), LimitReason::global_concurrency);
  EXPECT_TRUE(limiter.check(get("/v1/charges/:id"), kStart));
  first->release();
  EXPECT_TRUE(limiter.check(list, kStart));
}

TEST(RateLimit, CanBeSwitchedOffAndOn) {
  RateLimiter limiter(Limits::off());
  EXPECT_EQ(passed(limiter, get("/a"), 1'000, kStart), 1'000);
  limiter.set(Limits{.test_rps = 2});
  EXPECT_EQ(passed(limiter, get("/a"), 1'000, kStart), 2);
}

TEST(RateLimit, APermitOutlivesTheLimiter) {
  std::optional<RateLimiter> limiter(std::in_place);
  auto permit = limiter->check(create_payout(), kStart);
  limiter.reset();
  permit->release();
}

TEST(RateLimit, ReasonsAreSpelledAsStripeDoes) {
  EXPECT_EQ(header_value(LimitReason::global_rate), "global-rate");
  EXPECT_EQ(header_value(LimitReason::global_concurrency), "global-concurrency");
  EXPECT_EQ(header_value(LimitReason::endpoint_rate), "endpoint-rate");
  EXPECT_EQ(header_value(LimitReason::endpoint_concurrency), "endpoint-concurrency");
  EXPECT_EQ(header_value(LimitReason::resource_specific), "resource-specific");
}

TEST(RateLimit, ManyThreadsShareOneBudget) {
  RateLimiter limiter;
  std::atomic<int> let = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] { let += passed(limiter, get("/a"), 100, kStart); });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(let, 25);
}

}  // namespace
}  // namespace payoutd::sim
