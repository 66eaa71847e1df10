// The client against the simulator, which knows nothing of it: what the client says of a send is
// held against the money that moved.
#include "stripe/sim/sim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "stripe/pages.h"
#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

struct SimWorld {
  explicit SimWorld(std::size_t rows = 50'000)
      : clock(from_unix(1'790'000'000)), sim(clock, options()) {
    EXPECT_TRUE(sim.start());
    sim.bulk_balance_transactions(sim.platform(), rows);  // one cent each
    world = std::make_unique<World>(sim.url());
    world->options.key = sim.api_key();
    world->options.clock = &clock;
    client = world->client();
  }
  static sim::Options options() {
    sim::Options options;
    options.port = 0;
    options.workers = 8;
    return options;
  }
  void fault(const char* what, int status = 500, int count = 1, const char* path = "/v1/payouts") {
    ASSERT_TRUE(
        sim.faults().add(Json{{"path", path}, {"do", what}, {"status", status}, {"count", count}}));
  }
  // By idempotency key, how many payouts moved money.
  std::map<std::string, int> paid() const {
    std::map<std::string, int> by_key;
    const OrderedJson payments = sim.payments();
    for (const auto& payment : payments.at("data")) {
      if (payment["idempotency_key"].is_string())
        ++by_key[payment["idempotency_key"].get<std::string>()];
    }
    return by_key;
  }

  ManualClock clock;
  sim::Sim sim;
  std::unique_ptr<World> world;
  std::unique_ptr<Client> client;
};

Request payout(const std::string& key, int amount = 100) {
  return Request::post(
             "/v1/payouts", IdempotencyKey{key},
             Form{}.add("amount", amount).add("currency", "usd").metadata("payout", key).str())
      .with(Priority::money);
}

TEST(AgainstTheSimulator, APayoutIsPaidOnceAndItsKeyRepeatsTheAnswer) {
  SimWorld world;
  const Answer first = world.client->send(payout("k1"));
  ASSERT_TRUE(first.ok()) << first.error.message;
  const Answer second = world.client->send(payout("k1"));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first.response.body, second.response.body);
  EXPECT_TRUE(second.response.replayed);
  EXPECT_EQ(second.response.original_request, first.response.request_id);
  EXPECT_EQ(world.paid(), (std::map<std::string, int>{{"k1", 1}}));
}

TEST(AgainstTheSimulator, ALostAnswerIsFoundByTheKey) {
  for (const char* fault : {"reset_before", "reset_after", "truncate"}) {
    SimWorld world;
    world.fault(fault);
    const Answer answer = world.client->send(payout("k1"));
    EXPECT_EQ(answer.outcome, Outcome::done) << fault << ' ' << answer.error.message;
    EXPECT_EQ(world.paid()["k1"], 1) << fault;
  }
}

TEST(AgainstTheSimulator, A500ThatExecutedStaysUnknownHoweverOftenItIsReplayed) {
  SimWorld world;
  world.fault("status_after", 500);
  const Answer answer = world.client->send(payout("k1"));
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(world.paid()["k1"], 1);
}

TEST(AgainstTheSimulator, ARefusalIsNotDone) {
  SimWorld world(10);
  const Answer answer = world.client->send(payout("k1", 5'000'000));
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  ASSERT_TRUE(answer.refusal);
  EXPECT_EQ(answer.refusal->code, "balance_insufficient");
  EXPECT_TRUE(world.paid().empty());
}

TEST(AgainstTheSimulator, OtherParametersUnderAKeyAreNoProof) {
  SimWorld world;
  ASSERT_TRUE(world.client->send(payout("k1", 100)).ok());
  const Answer answer = world.client->send(payout("k1", 200));
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(answer.refusal->type, "idempotency_error");
}

TEST(AgainstTheSimulator, WhatTheClientSaysIsTrueWhateverGoesWrong) {
  SimWorld world;
  std::mt19937 random(7);
  const std::pair<const char*, int> faults[] = {
      {"reset_before", 500}, {"reset_after", 500},  {"truncate", 500},
      {"status", 429},       {"status", 500},       {"status", 401},
      {"status", 409},       {"status_after", 502}, {"status_after", 500}};
  std::map<Outcome, int> outcomes;
  for (int i = 0; i < 150; ++i) {
    const std::string key = fmt::format("k{}", i);
    const auto wrong = random() % 6;
    for (unsigned n = 0; n < wrong; ++n) {
      const auto& [what, status] = faults[random() % std::size(faults)];
      world.fault(what, status);
    }
    const Answer answer = world.client->send(payout(key));
    ++outcomes[answer.outcome];
    const int paid = world.paid()[key];
    if (answer.outcome == Outcome::done) {
      EXPECT_EQ(paid, 1) << key;
    }
    if (answer.outcome == Outcome::not_done) {
      EXPECT_EQ(paid, 0) << key;
    }
    EXPECT_LE(paid, 1) << key;
    EXPECT_EQ(answer.history.unknown, answer.outcome == Outcome::unknown);
    world.sim.faults().clear();
    const Answer later = world.client->send(payout(key).earlier(answer.history));
    EXPECT_LE(world.paid()[key], 1) << key;
    if (later.outcome == Outcome::done) {
      EXPECT_EQ(world.paid()[key], 1) << key;
    }
  }
  EXPECT_GT(outcomes[Outcome::done], 20);
  EXPECT_GT(outcomes[Outcome::not_done], 2);
  EXPECT_GT(outcomes[Outcome::unknown], 10);
}

TEST(AgainstTheSimulator, EveryRowIsListedOnceInBothDirections) {
  SimWorld world(2'345);
  Pages pages = world.client->list({.path = "/v1/balance_transactions"});
  std::vector<std::string> ids;
  std::int64_t net = 0;
  for (const Page& page : pages) {
    for (const Item& item : page.items) {
      ids.emplace_back(item.id);
      net += std::int64_t(item.object["net"]);
    }
  }
  ASSERT_TRUE(pages.finished());
  EXPECT_EQ(ids.size(), 2'345u);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 2'345u);
  EXPECT_EQ(net, 2'345);
  Pages newer = world.client->list({.path = "/v1/balance_transactions",
                                    .direction = Direction::oldest_first,
                                    .from = ids.back()});
  std::vector<std::string> back;
  for (const Page& page : newer) {
    for (const Item& item : page.items) back.emplace_back(item.id);
  }
  ASSERT_TRUE(newer.finished());
  std::ranges::reverse(back);
  back.push_back(ids.back());
  EXPECT_EQ(back, ids);
}

TEST(AgainstTheSimulator, AListSurvivesItsFaults) {
  SimWorld world(3'000);
  for (const char* what : {"reset_before", "reset_after", "truncate"})
    world.fault(what, 500, 2, "/v1/balance_transactions");
  world.fault("status", 429, 20, "/v1/balance_transactions");
  world.fault("status", 503, 2, "/v1/balance_transactions");
  Pages pages = world.client->list({.path = "/v1/balance_transactions"});
  std::size_t rows = 0;
  for (const Page& page : pages) rows += page.items.size();
  EXPECT_TRUE(pages.finished());
  EXPECT_EQ(rows, 3'000u);
}

}  // namespace
}  // namespace payoutd::stripe
