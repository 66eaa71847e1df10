// Stripe's limits on creating payouts, 15 a second and 30 at once, are kept instead of met; and the
// balance is Stripe's.
#include <future>

#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Limits : MoneyTest {
  using Answers = std::vector<std::future<stripe::Answer>>;
  Answers create(int count) {
    Answers coming;
    for (int i = 0; i < count; ++i) {
      std::promise<stripe::Answer> promise;
      coming.push_back(promise.get_future());
      service->client->submit(
          stripe::Request::post("/v1/payouts", stripe::IdempotencyKey(fmt::format("limits-{}", i)),
                                "amount=100&currency=usd")
              .on(shop)
              .with(stripe::Priority::money),
          [kept = std::move(promise)](stripe::Answer answer) mutable {
            kept.set_value(std::move(answer));
          });
    }
    return coming;
  }
};

TEST_F(Limits, NoMoreThanFifteenCreationsAreInFlight) {
  sim.limits().set(
      {.live_rps = 0, .test_rps = 0, .endpoint_rps = 0, .payout_rps = 0, .payout_concurrent = 15});
  fault_of_creation({{"do", "latency"}, {"ms", 50}, {"count", 0}});
  Answers answers = create(60);
  // Others pass by meanwhile.
  EXPECT_EQ(send("GET", "/api/balance", key).status, 200);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(sim.stats()["limited"], 0);
  EXPECT_EQ(service->client->counts().limited, 0u);
  EXPECT_GE(service->client->counts().peak_in_flight, 15u);
  EXPECT_EQ(moved().size(), 60u);
}

TEST_F(Limits, NoMoreThanFifteenCreationsBeginInASecond) {
  sim.limits().set(
      {.live_rps = 0, .test_rps = 0, .endpoint_rps = 0, .payout_rps = 15, .payout_concurrent = 30});
  start({.rates = {}});
  const auto began = std::chrono::steady_clock::now();
  Answers answers = create(31);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1'900ms);
  EXPECT_EQ(sim.stats()["limited"], 0);
  EXPECT_EQ(moved().size(), 31u);
}

// Another instance, or somebody's script, uses the limit up: what is refused is sent later.
TEST_F(Limits, ThatOthersUseUpDelayAndDoNotDouble) {
  sim.limits().set(
      {.live_rps = 0, .test_rps = 0, .endpoint_rps = 0, .payout_rps = 1, .payout_concurrent = 1});
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const auto answered = pay(fmt::format("k{}", i));
    ASSERT_EQ(answered.status, 201) << answered.body;
    ids.push_back(json(answered)["id"]);
  }
  sim.limits().set(sim::RateLimiter::Limits::off());
  pass_in_steps(30min);
  EXPECT_EQ(moved().size(), 5u);
  for (const std::string& id : ids) EXPECT_EQ(state(id), "done");
}

struct BalanceOf : MoneyTest {};

TEST_F(BalanceOf, AnAccountIsStripesToTheCent) {
  const Json balance = get("/api/balance");
  EXPECT_EQ(balance["account"], shop);
  EXPECT_EQ(balance["available"][0]["amount"], 1'000'000);
  EXPECT_EQ(balance["available"][0]["amount_decimal"], "10000.00");
  EXPECT_EQ(balance["available"][0]["currency"], "usd");
  for (const char* part : {"pending", "connectReserved", "instantAvailable"})
    EXPECT_TRUE(balance[part].is_array()) << part;
  EXPECT_LE(balance["age_seconds"].get<int>(), 10);
}

TEST_F(BalanceOf, WhatTheCacheKeptNeverDecidesAboutMoney) {
  ASSERT_EQ(get("/api/balance")["available"][0]["amount"], 1'000'000);
  fund(shop, -1'000'000);
  EXPECT_EQ(pay("k1").code(), "balance_insufficient");
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(BalanceOf, ManyWhoAskAtOnceShareOneRequest) {
  const auto requests = [&] { return sim.stats()["requests"].get<int>(); };
  fault({{"do", "latency"}, {"ms", 300}, {"method", "GET"}, {"path", "/v1/balance"}, {"count", 1}});
  const int before = requests();
  std::vector<std::future<int>> asking;
  for (int i = 0; i < 10; ++i) {
    asking.push_back(
        std::async(std::launch::async, [&] { return send("GET", "/api/balance", key).status; }));
  }
  for (auto& one : asking) EXPECT_EQ(one.get(), 200);
  EXPECT_EQ(requests() - before, 1);
}

TEST_F(BalanceOf, AFailureIsAnsweredSoonAndNotKept) {
  fault({{"do", "status"},
         {"status", 429},
         {"method", "GET"},
         {"path", "/v1/balance"},
         {"count", 3}});
  EXPECT_EQ(send("GET", "/api/balance", key).status, 503);
  EXPECT_EQ(send("GET", "/api/balance", key).status, 200);
}

TEST_F(BalanceOf, ACurrencyThatNobodyKnewIsShownAndBlocksNoPayoutInAnother) {
  fault({{"do", "alter"},
         {"method", "GET"},
         {"path", "/v1/balance"},
         {"find", "\"available\":["},
         {"with", R"("available":[{"amount":5,"currency":"xcg","source_types":{"card":5}},)"},
         {"count", 0}});
  const Json balance = get("/api/balance");
  EXPECT_EQ(balance["available"][0]["amount"], 5);
  EXPECT_EQ(balance["available"][0]["currency"], "xcg");
  EXPECT_TRUE(balance["available"][0]["amount_decimal"].is_null());
  EXPECT_EQ(balance["available"][1]["amount_decimal"], "10000.00");
  EXPECT_EQ(pay("k1").status, 201);
}

// Whatever an answer says, the next one who asks is answered.
TEST_F(BalanceOf, AnAnswerThatCannotBeReadBlocksNobody) {
  for (const char* body :
       {R"({"available": [{"amount": 1.5, "currency": "usd"}]})", R"([])", R"({"available": [7]})",
        R"({"available": [{"amount": 18446744073709551615, "currency": "usd"}]})",
        R"({"available": [{"amount": 5, "currency": ""}]})"}) {
    const auto parsed = balances::parse_balance(shop, body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.error().code, "stripe_answer_invalid");
  }
  const auto odd = balances::parse_balance(shop, R"({"livemode": "yes", "available": []})");
  ASSERT_TRUE(odd.ok());
  EXPECT_FALSE(odd->livemode);
}

}  // namespace
}  // namespace payoutd::payouts
