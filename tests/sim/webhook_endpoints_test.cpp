// Events on their way from a change to an endpoint, through the whole simulator.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/harness.h"
#include "sim/receiver.h"
#include "stripe/sim/delivery/signing.h"

namespace payoutd::sim {
namespace {

constexpr std::chrono::milliseconds kDrainPatience{10'000};

struct WebhookEndpoints : testing::Test {
  Stage stage{Options{.port = 0}};
  Receiver receiver;
  std::string seller;

  void SetUp() override {
    seller = stage.connect();
    stage.schedule(seller, "manual");
    stage.charge(100'000, seller);
    ASSERT_TRUE(stage.sim.start());
  }
  Secret listen(bool connect, std::vector<std::string> types = {"*"}) {
    const auto secret = stage.sim.add_webhook(receiver.url(), connect, std::move(types));
    EXPECT_TRUE(secret);
    return secret ? *secret : Secret();
  }
  Answered payout(const std::string& account) {
    return stage.post("/v1/payouts", {{"amount", "100"}, {"currency", "usd"}}, account);
  }
  std::vector<Json> delivered(const std::string& type) {
    EXPECT_TRUE(stage.sim.wait_webhooks_drained(kDrainPatience));
    std::vector<Json> found;
    for (const auto& delivery : receiver.deliveries()) {
      Json event = Json::parse(delivery.body);
      if (event["type"] == type) found.push_back(std::move(event));
    }
    return found;
  }
};

TEST_F(WebhookEndpoints, AConnectEndpointHearsOfItsAccountsAndNotOfThePlatform) {
  listen(true);
  const auto made = payout(seller);
  stage.post("/v1/customers", {{"email", "c@example.com"}});
  const auto events = delivered("payout.created");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]["account"], seller);
  EXPECT_EQ(events[0]["data"]["object"]["id"], made.id());
  EXPECT_EQ(events[0]["request"]["id"], made.header("Request-Id"));
  EXPECT_TRUE(delivered("customer.created").empty());
}

TEST_F(WebhookEndpoints, AnAccountEndpointHearsOfThePlatformOnly) {
  listen(false);
  payout(seller);
  stage.post("/v1/customers", {{"email", "c@example.com"}});
  const auto events = delivered("customer.created");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_FALSE(events[0].contains("account"));
  EXPECT_TRUE(delivered("payout.created").empty());
}

TEST_F(WebhookEndpoints, PendingWebhooksCountDownToNothing) {
  listen(true);
  listen(true);
  payout(seller);
  const auto events = delivered("payout.created");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["id"], events[1]["id"]);
  const auto read = stage.get("/v1/events/" + events[0]["id"].get<std::string>(), {}, seller);
  EXPECT_EQ(read.json["pending_webhooks"], 0);
  EXPECT_EQ(read.json["data"], events[0]["data"]);
}

TEST_F(WebhookEndpoints, WhatWasNotDeliveredIsFoundByItsFilter) {
  ASSERT_TRUE(stage.sim.faults().add(Json{{"do", "drop"}, {"type", "payout.created"}}));
  listen(true, {"payout.created", "payout.canceled"});
  const auto made = payout(seller);
  stage.post("/v1/payouts/" + made.id() + "/cancel", {}, seller);
  EXPECT_EQ(delivered("payout.canceled").size(), 1u);
  EXPECT_TRUE(delivered("payout.created").empty());
  const auto missed = stage.get("/v1/events", {{"delivery_success", "false"}}, seller);
  ASSERT_EQ(missed.json["data"].size(), 1u);
  EXPECT_EQ(missed.json["data"][0]["type"], "payout.created");
}

TEST_F(WebhookEndpoints, ATwinIsAnotherEventOfTheSameChange) {
  ASSERT_TRUE(stage.sim.faults().add(Json{{"do", "twin"}, {"type", "payout.created"}}));
  listen(true);
  const auto made = payout(seller);
  const auto events = delivered("payout.created");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_NE(events[0]["id"], events[1]["id"]);
  EXPECT_EQ(events[0]["data"], events[1]["data"]);
}

TEST_F(WebhookEndpoints, ARetryComesWithTheClock) {
  std::atomic<int> status = 500;
  Receiver refusing([&](const auto&) { return status.load(); });
  ASSERT_TRUE(stage.sim.add_webhook(refusing.url(), true, {"payout.created"}));
  payout(seller);
  ASSERT_TRUE(stage.sim.wait_webhooks_drained(kDrainPatience));
  EXPECT_EQ(refusing.deliveries().size(), 1u);
  status = 200;
  stage.wait(60);
  ASSERT_TRUE(stage.sim.wait_webhooks_drained(kDrainPatience));
  EXPECT_EQ(refusing.deliveries().size(), 2u);
  EXPECT_EQ(stage.sim.webhook_counts().acknowledged, 1u);
}

TEST_F(WebhookEndpoints, ADisabledEndpointHearsNothingUntilItIsEnabled) {
  const auto made =
      stage.post("/v1/webhook_endpoints",
                 {{"url", receiver.url()}, {"connect", "true"}, {"enabled_events", {"*"}}});
  const auto endpoint = "/v1/webhook_endpoints/" + made.id();
  stage.post(endpoint, {{"disabled", "true"}});
  payout(seller);
  EXPECT_TRUE(delivered("payout.created").empty());
  stage.post(endpoint, {{"disabled", "false"}});
  payout(seller);
  EXPECT_EQ(delivered("payout.created").size(), 1u);
}

TEST_F(WebhookEndpoints, ARolledSecretSignsBesideTheOtherForAWhile) {
  const Secret first = listen(true, {"payout.created"});
  const auto id = stage.get("/v1/webhook_endpoints").json["data"][0]["id"].get<std::string>();
  const auto second = stage.sim.roll_webhook_secret(id, std::chrono::hours{1});
  ASSERT_TRUE(second);
  const auto signed_by = [&](std::vector<Secret> secrets) {
    EXPECT_TRUE(stage.sim.wait_webhooks_drained(kDrainPatience));
    const auto last = receiver.deliveries().back();
    return last.headers.at("stripe-signature") ==
           signature_header(last.body, secrets, stage.clock.now(), false);
  };
  payout(seller);
  EXPECT_TRUE(signed_by({*second, first}));
  stage.wait(3'600);
  payout(seller);
  EXPECT_TRUE(signed_by({*second}));
  EXPECT_FALSE(stage.sim.roll_webhook_secret("we_missing", std::chrono::hours{1}));
}

}  // namespace
}  // namespace payoutd::sim
