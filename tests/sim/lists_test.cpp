#include "sim/harness.h"

namespace payoutd::sim {
namespace {

std::vector<std::string> ids(const Answered& page) {
  std::vector<std::string> out;
  for (const auto& object : page.json["data"]) out.push_back(object["id"]);
  return out;
}

struct SimLists : testing::Test {
  Stage stage;
  void SetUp() override {
    for (int i = 0; i < 25; ++i) {
      stage.charge(1'000 + i);
      if (i % 5 == 4) stage.wait(60);
    }
  }
};

TEST_F(SimLists, WalkDownwardsNewestFirstWithoutGapsOrRepeats) {
  std::vector<std::string> walked;
  Json params{{"limit", "7"}};
  Answered page;
  do {
    page = stage.get("/v1/charges", params);
    for (const auto& id : ids(page)) walked.push_back(id);
    params["starting_after"] = walked.back();
  } while (page.json["has_more"]);
  EXPECT_EQ(walked, ids(stage.get("/v1/charges", {{"limit", "100"}})));
  EXPECT_EQ(walked.size(), 25u);
}

TEST_F(SimLists, WalkUpwardsInPagesThatAreNewestFirstInside) {
  const auto all = ids(stage.get("/v1/charges", {{"limit", "100"}}));
  std::string cursor = all.back();
  std::vector<std::string> walked{cursor};
  Answered page;
  do {
    page = stage.get("/v1/charges", {{"limit", "7"}, {"ending_before", cursor}});
    const auto found = ids(page);
    for (auto it = found.rbegin(); it != found.rend(); ++it) walked.push_back(*it);
    cursor = found.front();
  } while (page.json["has_more"]);
  EXPECT_EQ(std::vector<std::string>(walked.rbegin(), walked.rend()), all);
}

TEST_F(SimLists, WhatIsMadeWhileWalkingDoesNotShiftThePages) {
  const auto all = ids(stage.get("/v1/charges", {{"limit", "100"}}));
  const auto first = ids(stage.get("/v1/charges", {{"limit", "10"}}));
  stage.charge(9'999);
  const auto second =
      ids(stage.get("/v1/charges", {{"limit", "10"}, {"starting_after", first.back()}}));
  EXPECT_EQ(second, std::vector<std::string>(all.begin() + 10, all.begin() + 20));
}

TEST_F(SimLists, CreatedRangesCutAtTheSecond) {
  const std::int64_t t = kMondayNoon + 60;  // the second five
  const auto count = [&](const char* key, std::int64_t value) {
    return stage.get("/v1/charges", {{"limit", "100"}, {"created", {{key, std::to_string(value)}}}})
        .json["data"]
        .size();
  };
  EXPECT_EQ(count("gte", t), 20u);
  EXPECT_EQ(count("gt", t), 15u);
  EXPECT_EQ(count("lt", t), 5u);
  EXPECT_EQ(count("lte", t), 10u);
  EXPECT_EQ(stage.get("/v1/charges", {{"limit", "100"}, {"created", std::to_string(t)}})
                .json["data"]
                .size(),
            5u);
}

TEST_F(SimLists, RefuseWhatStripeRefuses) {
  const auto param = [&](Json params) {
    return stage.get("/v1/charges", std::move(params)).error("param");
  };
  EXPECT_EQ(param({{"limit", "0"}}), "limit");
  EXPECT_EQ(param({{"limit", "101"}}), "limit");
  EXPECT_EQ(param({{"limit", "ten"}}), "limit");
  EXPECT_EQ(param({{"starting_after", "ch_none"}}), "starting_after");
  const auto id = ids(stage.get("/v1/charges")).front();
  EXPECT_EQ(stage.get("/v1/charges", {{"starting_after", id}, {"ending_before", id}}).status, 400);
  EXPECT_EQ(param({{"created", {{"after", "1"}}}}), "created[after]");
}

TEST_F(SimLists, OfRowsFilterByTypeSourceAndCurrency) {
  const auto charge = stage.get("/v1/charges", {{"limit", "1"}}).json["data"][0];
  const std::string id = charge["id"];
  stage.post("/v1/refunds", {{"charge", id}, {"amount", "100"}});
  const auto count = [&](Json params) {
    params["limit"] = "100";
    return stage.get("/v1/balance_transactions", params).json["data"].size();
  };
  EXPECT_EQ(count({{"type", "charge"}}), 25u);
  EXPECT_EQ(count({{"type", "refund"}}), 1u);
  EXPECT_EQ(count({{"source", id}}), 1u);
  EXPECT_EQ(count({{"currency", "eur"}}), 0u);
  EXPECT_EQ(count({}), 26u);
}

TEST(SimVisibility, RowsAreListedLaterThanTheyAreMade) {
  Stage stage({.visibility_lag_s = 10});
  const auto charge = stage.charge(1'000);
  EXPECT_TRUE(stage.get("/v1/balance_transactions").json["data"].empty());
  stage.wait(10);
  EXPECT_EQ(stage.get("/v1/balance_transactions").json["data"].size(), 1u);
}

TEST(SimExpand, PutsObjectsWhereIdsStand) {
  Stage stage;
  const auto intent = stage.charge(1'000);
  const auto deep =
      stage.get("/v1/payment_intents/" + intent.id(),
                {{"expand", {"latest_charge.balance_transaction.source", "payment_method"}}});
  EXPECT_EQ(deep.json["latest_charge"]["balance_transaction"]["source"]["object"], "charge")
      << deep.answer.body;
  EXPECT_EQ(deep.json["payment_method"]["object"], "payment_method");
  const auto rows = stage.get("/v1/balance_transactions", {{"expand", {"data.source"}}});
  EXPECT_EQ(rows.json["data"][0]["source"]["object"], "charge");
  const std::string charge = deep.json["latest_charge"]["id"];
  stage.post("/v1/refunds", {{"charge", charge}, {"amount", "10"}});
  EXPECT_FALSE(stage.get("/v1/charges/" + charge).json.contains("refunds"));
  EXPECT_EQ(
      stage.get("/v1/charges/" + charge, {{"expand", {"refunds"}}}).json["refunds"]["data"].size(),
      1u);
  for (const char* bad : {"amount", "nonsense",
                          "latest_charge.balance_transaction.source.balance_transaction.source"})
    EXPECT_EQ(stage.get("/v1/payment_intents/" + intent.id(), {{"expand", {bad}}}).status, 400)
        << bad;
}

}  // namespace
}  // namespace payoutd::sim
