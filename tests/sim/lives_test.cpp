// Subscriptions through their periods, and events as they are kept and delivered.
#include "sim/harness.h"

namespace payoutd::sim {
namespace {

struct SimLives : testing::Test {
  Stage stage;
  std::string customer, price;
  void SetUp() override {
    customer = stage
                   .post("/v1/customers",
                         {{"email", "ada@example.com"}, {"payment_method", "pm_card_visa"}})
                   .id();
    const auto product = stage.post("/v1/products", {{"name", "Tea"}}).id();
    price = stage
                .post("/v1/prices", {{"currency", "usd"},
                                     {"unit_amount", "2000"},
                                     {"product", product},
                                     {"recurring", {{"interval", "month"}}}})
                .id();
  }
  Answered subscribe(Json more = Json::object()) {
    more["customer"] = customer;
    more["items"] = Json::array({{{"price", price}, {"quantity", "2"}}});
    return stage.post("/v1/subscriptions", more);
  }
  Json now(const Answered& subscription) {
    return stage.get("/v1/subscriptions/" + subscription.id()).json;
  }
};

TEST_F(SimLives, ASubscriptionIsPaidEachMonth) {
  const auto subscription = subscribe();
  ASSERT_EQ(subscription.json["status"], "active") << subscription.answer.body;
  EXPECT_FALSE(subscription.json.contains("current_period_end"));
  stage.wait(63 * kDay);
  const auto invoices = stage.get("/v1/invoices", {{"subscription", subscription.id()}});
  EXPECT_EQ(invoices.json["data"].size(), 3u);
  for (const auto& invoice : invoices.json["data"]) {
    EXPECT_EQ(invoice["status"], "paid");
    EXPECT_EQ(invoice["amount_paid"], 4'000);
  }
  EXPECT_GT(now(subscription)["items"]["data"][0]["current_period_end"],
            to_unix(stage.clock.now()));
  expect_sums(stage.sim);
}

TEST_F(SimLives, ATrialIsChargedAtItsEndOnly) {
  const auto subscription = subscribe({{"trial_period_days", "14"}});
  EXPECT_EQ(subscription.json["status"], "trialing");
  EXPECT_EQ(stage.get("/v1/charges").json["data"].size(), 0u);
  stage.wait(15 * kDay);
  EXPECT_EQ(now(subscription)["status"], "active");
  EXPECT_EQ(stage.get("/v1/charges").json["data"].size(), 1u);
}

TEST_F(SimLives, ACardThatStopsWorkingLeadsToPastDueThenToTheEnd) {
  const auto subscription = subscribe();
  stage.post("/v1/subscriptions/" + subscription.id(),
             {{"default_payment_method", "pm_card_visa_chargeDeclined"}});
  stage.wait(32 * kDay);
  EXPECT_EQ(now(subscription)["status"], "past_due");
  stage.wait(12 * kDay);
  EXPECT_EQ(now(subscription)["status"], "canceled");
  EXPECT_EQ(stage.events("", "customer.subscription.deleted").size(), 1u);
}

TEST_F(SimLives, CancelingAtPeriodEndWaitsForIt) {
  const auto subscription = subscribe();
  const auto asked =
      stage.post("/v1/subscriptions/" + subscription.id(), {{"cancel_at_period_end", "true"}});
  EXPECT_EQ(asked.json["status"], "active");
  EXPECT_TRUE(asked.json["ended_at"].is_null());
  stage.wait(32 * kDay);
  EXPECT_EQ(now(subscription)["status"], "canceled");
  EXPECT_NE(now(subscription)["canceled_at"], now(subscription)["ended_at"]);
}

TEST_F(SimLives, ADeletedCustomerStaysDeleted) {
  const auto subscription = subscribe();
  EXPECT_EQ(stage.remove("/v1/customers/" + customer).json["deleted"], true);
  EXPECT_EQ(stage.get("/v1/customers/" + customer).json["deleted"], true);
  EXPECT_TRUE(stage.get("/v1/customers").json["data"].empty());
  EXPECT_EQ(now(subscription)["status"], "canceled");
  EXPECT_EQ(subscribe().status, 400);
}

TEST_F(SimLives, AnEventShowsWhatWasAndWhatChanged) {
  stage.charge(10'000);
  const auto payout = stage.post("/v1/payouts", {{"amount", "100"}, {"currency", "usd"}});
  stage.post("/v1/payouts/" + payout.id(), {{"metadata", {{"a", "1"}}}});
  const auto events =
      stage.get("/v1/events", {{"types", {"payout.created", "payout.updated"}}}).json["data"];
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["data"]["previous_attributes"], (Json{{"metadata", {{"a", nullptr}}}}));
  EXPECT_EQ(events[1]["data"]["object"]["metadata"], Json::object());
  EXPECT_FALSE(events[1].contains("account"));
  EXPECT_TRUE(events[1]["request"]["id"].get<std::string>().starts_with("req_"));
  EXPECT_EQ(stage.get("/v1/events", {{"type", "payout.*"}}).json["data"].size(), 2u);
  EXPECT_EQ(stage.get("/v1/events", {{"type", "a"}, {"types", {"b"}}}).status, 400);
  const std::string id = events[0]["id"];
  EXPECT_EQ(stage.get("/v1/events/" + id).status, 200);
  stage.wait(31 * kDay);
  EXPECT_EQ(stage.get("/v1/events/" + id).status, 404);
}

}  // namespace
}  // namespace payoutd::sim
