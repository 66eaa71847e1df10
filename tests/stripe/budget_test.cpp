#include "stripe/budget.h"

#include <gtest/gtest.h>

namespace payoutd::stripe {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kList = "GET /v1/payouts";
constexpr std::string_view kPay = "POST /v1/payouts";

// Takes as fast as it is let for `span`; counts the grants.
int grants(Budget& budget, std::string_view route, Instant& now, std::chrono::nanoseconds span) {
  int granted = 0;
  const Instant end = now + span;
  while (true) {
    const Wait wait = budget.take({.route = route}, now);
    if (wait.time.count() == 0) {
      ++granted;
    } else if (now + wait.time >= end) {
      now = end;
      return granted;
    } else {
      now += wait.time;
    }
  }
}

TEST(Budget, KeepsTheRateOverAnySecond) {
  LocalBudget budget({.per_second = 100, .per_route = 1000, .payout_creation = 1000});
  Instant now{};
  EXPECT_NEAR(grants(budget, kList, now, std::chrono::seconds{1}), 110, 1);  // with the first burst
  EXPECT_NEAR(grants(budget, kList, now, std::chrono::seconds{10}), 1000, 2);
}

TEST(Budget, WaitingTheTimeItNamesIsEnough) {
  LocalBudget budget;
  Instant now{};
  for (int i = 0; i < 1000; ++i) {
    const Wait wait = budget.take({.route = kList}, now);
    if (wait.time.count() == 0) continue;
    now += wait.time;
    EXPECT_EQ(budget.take({.route = kList}, now).time.count(), 0) << i;
  }
}

TEST(Budget, CreatingPayoutsHasALimitOfItsOwn) {
  LocalBudget budget({.per_second = 100, .per_route = 25, .payout_creation = 15});
  Instant now{};
  EXPECT_NEAR(grants(budget, kPay, now, std::chrono::seconds{10}), 150, 3);
  EXPECT_NEAR(grants(budget, kList, now, std::chrono::seconds{10}), 250, 4);
}

TEST(Budget, ARouteThatMustWaitDoesNotHoldUpOthers) {
  LocalBudget budget({.per_second = 1000, .per_route = 1000, .payout_creation = 1});
  const Instant now{};
  EXPECT_EQ(budget.take({.route = kPay}, now).time.count(), 0);
  const Wait wait = budget.take({.route = kPay}, now);
  EXPECT_NEAR(std::chrono::duration<double>(wait.time).count(), 1.0, 0.01);
  EXPECT_FALSE(wait.everyone);
  EXPECT_EQ(budget.take({.route = kList}, now).time.count(), 0);
}

TEST(Budget, SaysWhenNobodyNeedsToAsk) {
  LocalBudget budget({.per_second = 1, .per_route = 10, .payout_creation = 10});
  const Instant now{};
  EXPECT_EQ(budget.take({.route = kList}, now).time.count(), 0);
  EXPECT_TRUE(budget.take({.route = kPay}, now).everyone);
}

TEST(Budget, AnIdleTimeIsNotSavedUp) {
  LocalBudget budget({.per_second = 10, .per_route = 10, .payout_creation = 10});
  Instant now{};
  now += std::chrono::hours{1};
  EXPECT_LE(grants(budget, kList, now, milliseconds{1}), 1);
}

TEST(Budget, A429OfALimiterEmptiesItsBucket) {
  LocalBudget budget({.per_second = 100, .per_route = 100, .payout_creation = 100});
  const Instant now{};
  budget.limited({.route = kList}, "endpoint-rate", now);
  EXPECT_GT(budget.take({.route = kList}, now).time.count(), 0);
  EXPECT_EQ(budget.take({.route = kPay}, now).time.count(), 0);
  budget.limited({.route = kList}, "global-rate", now);
  EXPECT_TRUE(budget.take({.route = kPay}, now).everyone);
}

TEST(Budget, ALockedObjectIsNoReasonToSlowDown) {
  LocalBudget budget;
  const Instant now{};
  budget.limited({.route = kList}, "", now);
  budget.limited({.route = kList}, "resource-specific", now);
  EXPECT_EQ(budget.take({.route = kList}, now).time.count(), 0);
}

TEST(Budget, RoutesAreTemplates) {
  EXPECT_EQ(route_of("GET", "/v1/payouts?limit=100"), "GET /v1/payouts");
  EXPECT_EQ(route_of("POST", "/v1/payouts/po_1Pgc79B7/cancel"), "POST /v1/payouts/:id/cancel");
  EXPECT_EQ(route_of("GET", "/v1/balance_transactions/txn_1A"), "GET /v1/balance_transactions/:id");
  EXPECT_EQ(route_of("GET", "/v1/balance"), "GET /v1/balance");
  EXPECT_EQ(route_of("GET", "/v1/reporting/report_types/balance.summary.1"),
            "GET /v1/reporting/report_types/:id");
}

}  // namespace
}  // namespace payoutd::stripe
