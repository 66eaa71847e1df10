#include <set>

#include "sim/harness.h"

namespace payoutd::sim {
namespace {

Options small(std::uint64_t seed = 7) { return {.seed = seed, .demo = Demo::small}; }

std::map<std::string, int> statuses(Sim& sim, const char* kind) {
  std::map<std::string, int> out;
  sim.inspect([&](World& world) {
    for (const auto& account : world.store.accounts())
      if (const auto it = account->documents.find(kind); it != account->documents.end())
        for (const Document* document : it->second) ++out[document->str("status")];
  });
  return out;
}

TEST(SimDemo, TheSameSeedGivesTheSameBytes) {
  Stage one(small()), two(small()), other(small(8));
  EXPECT_EQ(one.sim.platform(), two.sim.platform());
  EXPECT_EQ(one.sim.api_key(), two.sim.api_key());
  EXPECT_NE(one.sim.platform(), other.sim.platform());
  auto accounts = one.sim.connected();
  ASSERT_EQ(accounts.size(), 4u);
  accounts.push_back("");
  for (const auto& account : accounts)
    for (const char* path : {"/v1/balance", "/v1/balance_transactions", "/v1/payouts",
                             "/v1/charges", "/v1/events", "/v1/subscriptions", "/v1/disputes"}) {
      const Json page =
          std::string_view(path) == "/v1/balance" ? Json::object() : Json{{"limit", "100"}};
      EXPECT_EQ(one.get(path, page, account).answer.body, two.get(path, page, account).answer.body)
          << path;
    }
}

TEST(SimDemo, AllSumsHoldInItsHistoryAndForTwoMonthsAfter) {
  Stage stage(small());
  expect_sums(stage.sim);
  for (int week = 0; week < 8; ++week) {
    for (const auto& account : stage.sim.connected())
      ASSERT_TRUE(stage.sim.activity(account, {{"charges", 4},
                                               {"refunds", 1},
                                               {"payouts", 1},
                                               {"disputes", 1},
                                               {"instant_payouts", 1},
                                               {"returned_payouts", week == 3 ? 1 : 0}}));
    ASSERT_TRUE(stage.sim.activity(
        "", {{"charges", 5}, {"transfers", 2}, {"reversals", 1}, {"refunds", 2}}));
    stage.wait(7 * kDay);
    expect_sums(stage.sim);
  }
}

TEST(SimDemo, HasEveryKindOfStory) {
  Stage stage({.seed = 1, .demo = Demo::full});
  auto payouts = statuses(stage.sim, "payout");
  EXPECT_GT(payouts["paid"], 100);
  EXPECT_GE(payouts["failed"], 2);
  EXPECT_GE(payouts["canceled"], 1);
  auto subscriptions = statuses(stage.sim, "subscription");
  for (const char* status : {"active", "canceled", "trialing"})
    EXPECT_GE(subscriptions[status], 1) << status;
  auto disputes = statuses(stage.sim, "dispute");
  EXPECT_GE(disputes["won"], 1);
  EXPECT_GE(disputes["lost"], 1);
  EXPECT_GE(statuses(stage.sim, "charge")["failed"], 1);
  EXPECT_FALSE(stage.sim.second_tenant().empty());
  std::set<std::string> currencies;
  stage.sim.inspect([&](World& world) {
    for (const auto& account : world.store.accounts())
      for (const auto& [currency, totals] : account->totals) currencies.insert(currency.str());
  });
  EXPECT_EQ(currencies, (std::set<std::string>{"eur", "gbp", "usd"}));
  expect_sums(stage.sim);
}

TEST(SimDemo, ActivityRefusesWhatItDoesNotKnow) {
  Stage stage;
  EXPECT_EQ(stage.sim.activity("acct_none", {{"charges", 1}}).error().code, "account_unknown");
  EXPECT_EQ(stage.sim.activity("", {{"parties", 1}}).error().code, "activity_unknown");
  EXPECT_EQ(stage.sim.activity("", {{"charges", -1}}).error().code, "activity_count");
  const auto made = stage.sim.activity("", {{"charges", 3}});
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)["charges"].size(), 3u);
}

}  // namespace
}  // namespace payoutd::sim
