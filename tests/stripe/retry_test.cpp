#include "stripe/retry.h"

#include <gtest/gtest.h>

namespace payoutd::stripe {
namespace {

LastSend answer(int status, std::optional<bool> should_retry = std::nullopt) {
  return {.send = {.reach = Reach::answered, .status = status, .parsed = true},
          .should_retry = should_retry,
          .retry_after = std::nullopt};
}
LastSend no_answer(Reach reach) {
  return {.send = {.reach = reach}, .should_retry = std::nullopt, .retry_after = std::nullopt};
}

bool again(const LastSend& last, const Retries& retries = Retries::money()) {
  const Tries one = is_limited(last) ? Tries{.limited = 1} : Tries{.failures = 1};
  return pause_before_retry(retries, one, last, 1.0).has_value();
}

TEST(Retry, StatusDecidesWhereStripeSaysNothing) {
  for (const int status : {409, 429, 500, 502, 503, 504})
    EXPECT_TRUE(again(answer(status))) << status;
  for (const int status : {301, 304, 400, 401, 402, 403, 404, 424})
    EXPECT_FALSE(again(answer(status))) << status;
  EXPECT_TRUE(again(no_answer(Reach::not_sent)));
  EXPECT_TRUE(again(no_answer(Reach::lost)));
}

TEST(Retry, StripeShouldRetryDecidesFirst) {
  for (const int status : {400, 402, 409, 429, 500}) {
    EXPECT_TRUE(again(answer(status, true))) << status;
    EXPECT_FALSE(again(answer(status, false))) << status;
  }
}

TEST(Retry, ALimitNeverEndsARead) {
  Tries many{.limited = 500};
  EXPECT_TRUE(pause_before_retry(Retries::reading(), many, answer(429), 0.5));
  EXPECT_TRUE(pause_before_retry(Retries::reading(), many, answer(429, false), 0.5));
  EXPECT_FALSE(pause_before_retry(Retries::money(), many, answer(429), 0.5));
}

TEST(Retry, A2xxThatCannotBeReadIsAskedForAgain) {
  LastSend unreadable = answer(200, false);
  unreadable.send.parsed = false;
  EXPECT_TRUE(again(unreadable));
}

TEST(Retry, AGatewaysErrorIsNoAnswer) {
  for (const int status : {400, 401, 403, 404, 408, 499}) {
    LastSend gateway = answer(status);
    gateway.send.parsed = false;
    EXPECT_TRUE(again(gateway)) << status;
  }
}

TEST(Retry, WhatCannotHealIsNotRepeated) {
  LastSend untrusted = no_answer(Reach::not_sent);
  untrusted.hopeless = true;
  EXPECT_FALSE(again(untrusted));
}

TEST(Retry, EndsAfterItsNumber) {
  const auto last = answer(500);
  EXPECT_TRUE(pause_before_retry(Retries::money(), {.failures = 2}, last, 1));
  EXPECT_FALSE(pause_before_retry(Retries::money(), {.failures = 3}, last, 1));
  EXPECT_FALSE(pause_before_retry(Retries::none(), {.failures = 1}, last, 1));
  EXPECT_FALSE(pause_before_retry(Retries::none(), {.limited = 1}, answer(429), 1));
}

TEST(Retry, EndsAfterItsTime) {
  const Retries retries = Retries::money();
  EXPECT_TRUE(
      pause_before_retry(retries, {.failures = 1, .spent = Pause{119'000}}, answer(500), 1));
  EXPECT_FALSE(
      pause_before_retry(retries, {.failures = 1, .spent = Pause{119'600}}, answer(500), 1));
}

TEST(Retry, PausesDoubleUpToTheirCap) {
  const Retries retries{.failures = 100, .limited = 100, .give_up_after = std::chrono::hours{1}};
  const auto pause = [&](int n, double jitter) {
    return pause_before_retry(retries, {.failures = n}, answer(500), jitter)->count();
  };
  EXPECT_EQ(pause(1, 1), 500);
  EXPECT_EQ(pause(2, 1), 1'000);
  EXPECT_EQ(pause(3, 1), 2'000);
  EXPECT_EQ(pause(4, 1), 4'000);
  EXPECT_EQ(pause(5, 1), 5'000);
  EXPECT_EQ(pause(90, 1), 5'000);
  EXPECT_EQ(pause(1, 0), 500);  // the floor
  EXPECT_EQ(pause(3, 0), 1'000);
  EXPECT_EQ(pause(3, 0.5), 1'500);
  EXPECT_EQ(pause(90, 0), 2'500);
}

TEST(Retry, RetryAfterIsALowerBoundWithinReason) {
  LastSend last = answer(429);
  const auto pause = [&] {
    return pause_before_retry(Retries::money(), {.limited = 1}, last, 1)->count();
  };
  last.retry_after = std::chrono::seconds{3};
  EXPECT_EQ(pause(), 3'000);
  last.retry_after = std::chrono::seconds{0};
  EXPECT_EQ(pause(), 500);
  last.retry_after = std::chrono::seconds{86'400};
  EXPECT_EQ(pause(), 60'000);
}

}  // namespace
}  // namespace payoutd::stripe
