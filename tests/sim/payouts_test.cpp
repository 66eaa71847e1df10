#include "sim/harness.h"

namespace payoutd::sim {
namespace {

Json order(std::int64_t amount, const char* method = "standard") {
  return {{"amount", std::to_string(amount)}, {"currency", "usd"}, {"method", method}};
}

TEST(SimPayouts, AManualOneDebitsAtOnceAndIsPaidOnItsArrivalDate) {
  Stage stage;
  stage.charge(100'000);
  const auto before = stage.balance("available");
  const auto payout = stage.post("/v1/payouts", order(5'000));
  ASSERT_EQ(payout.status, 200) << payout.answer.body;
  EXPECT_EQ(payout.json["status"], "pending");
  EXPECT_EQ(payout.json["automatic"], false);
  EXPECT_EQ(payout.json["reconciliation_status"], "not_applicable");
  EXPECT_EQ(stage.balance("available"), before - 5'000);
  const auto row = stage.get("/v1/balance_transactions/" +
                             payout.json["balance_transaction"].get<std::string>());
  EXPECT_EQ(row.json["amount"], -5'000);
  EXPECT_EQ(row.json["source"], payout.id());
  stage.wait(kHour);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id()).json["status"], "in_transit");
  stage.wait(2 * kDay);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id()).json["status"], "paid");
  expect_sums(stage.sim);
}

TEST(SimPayouts, OnlyAPendingManualOneIsCanceled) {
  Stage stage;
  stage.charge(100'000);
  const auto payout = stage.post("/v1/payouts", order(5'000));
  const auto before = stage.balance("available");
  const auto canceled = stage.post("/v1/payouts/" + payout.id() + "/cancel");
  EXPECT_EQ(canceled.json["status"], "canceled");
  EXPECT_TRUE(canceled.json["failure_balance_transaction"].is_string());
  EXPECT_EQ(stage.balance("available"), before + 5'000);
  const auto again = stage.post("/v1/payouts/" + payout.id() + "/cancel");
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.error("message"), "Payouts can only be canceled while they are pending.");
  expect_sums(stage.sim);
}

TEST(SimPayouts, RefusalsAreStripes) {
  Stage stage;
  stage.charge(10'000);
  const auto refused = [&](Json params) { return stage.post("/v1/payouts", std::move(params)); };
  EXPECT_EQ(refused(order(50'000)).error("code"), "balance_insufficient");
  EXPECT_EQ(refused({{"currency", "usd"}}).error("code"), "parameter_missing");
  EXPECT_EQ(refused({{"currency", "usd"}}).error("message"), "Missing required param: amount.");
  EXPECT_EQ(refused(order(0)).error("code"), "parameter_invalid_integer");
  EXPECT_EQ(refused({{"amount", "1.5"}, {"currency", "usd"}}).error("code"),
            "parameter_invalid_integer");
  auto unknown = order(100);
  unknown["colour"] = "red";
  EXPECT_EQ(refused(unknown).error("code"), "parameter_unknown");
  EXPECT_EQ(refused(unknown).error("message"), "Received unknown parameter: colour");
  auto elsewhere = order(100);
  elsewhere["destination"] = "ba_nobody";
  EXPECT_EQ(refused(elsewhere).error("param"), "destination");
  EXPECT_EQ(stage.get("/v1/payouts/po_none").error("code"), "resource_missing");
  EXPECT_EQ(stage.get("/v1/payouts/po_none").status, 404);
}

TEST(SimPayouts, TheScheduleSweepsWhatBecomesAvailableAndReconcilesLater) {
  Stage stage;
  stage.charge(20'000, "", "pm_card_visa");
  stage.charge(30'000, "", "pm_card_visa");
  stage.wait(kDay + 9 * kHour);  // Tuesday 21:00: made ahead of the midnight the money is free
  const auto list = stage.get("/v1/payouts");
  ASSERT_EQ(list.json["data"].size(), 1u) << list.answer.body;
  const auto payout = list.json["data"][0];
  const std::int64_t net = 50'000 - (580 + 30) - (870 + 30);
  EXPECT_EQ(payout["amount"], net);
  EXPECT_EQ(payout["automatic"], true);
  const std::string id = payout["id"];
  const auto members = [&] {
    return stage.get("/v1/balance_transactions", {{"payout", id}, {"limit", "100"}});
  };
  EXPECT_EQ(members().error("code"), "payout_reconciliation_not_ready");
  EXPECT_EQ(stage.balance("pending"), 0);  // its row waits beside the rows it pays out
  stage.wait(3 * kDay);
  const auto settled = members();
  ASSERT_EQ(settled.json["data"].size(), 3u);
  std::int64_t sum = 0;
  for (const auto& row : settled.json["data"]) sum += row["net"].get<std::int64_t>();
  EXPECT_EQ(sum, 0);
  EXPECT_EQ(stage.get("/v1/payouts/" + id).json["status"], "paid");
  EXPECT_EQ(stage.get("/v1/payouts/" + id).json["reconciliation_status"], "completed");
  EXPECT_EQ(stage.events("", "payout.reconciliation_completed").size(), 1u);
  expect_sums(stage.sim);
}

TEST(SimPayouts, ManualOnesHaveNoMembers) {
  Stage stage;
  stage.charge(10'000);
  const auto payout = stage.post("/v1/payouts", order(1'000));
  const auto rows = stage.get("/v1/balance_transactions", {{"payout", payout.id()}});
  EXPECT_EQ(rows.status, 400);
  EXPECT_EQ(rows.error("message"),
            "Balance transaction history can only be filtered on automatic transfers, not manual.");
  EXPECT_EQ(stage.get("/v1/balance_transactions", {{"source", payout.id()}}).json["data"].size(),
            1u);
}

TEST(SimPayouts, ABankThatRefusesFailsThemAndBlocksWhatFollows) {
  Stage stage;
  const auto account = stage.connect("000111111113");
  stage.schedule(account, "manual");
  stage.charge(50'000, account);
  const auto payout = stage.post("/v1/payouts", order(1'000), account);
  ASSERT_EQ(payout.status, 200) << payout.answer.body;
  const auto before = stage.balance("available", account);
  stage.wait(kHour);
  const auto failed = stage.get("/v1/payouts/" + payout.id(), {}, account);
  EXPECT_EQ(failed.json["status"], "failed");
  EXPECT_EQ(failed.json["failure_code"], "account_closed");
  EXPECT_EQ(stage.balance("available", account), before + 1'000);
  EXPECT_EQ(stage.post("/v1/payouts", order(1'000), account).error("code"),
            "bank_account_unusable");
  EXPECT_EQ(stage.events(account, "payout.failed").size(), 1u);
  expect_sums(stage.sim);
}

TEST(SimPayouts, AReturnComesDaysAfterItWasPaid) {
  Stage stage;
  const auto account = stage.connect("000777777771");
  stage.schedule(account, "manual");
  stage.charge(50'000, account);
  const auto payout = stage.post("/v1/payouts", order(1'000), account);
  stage.wait(2 * kDay);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id(), {}, account).json["status"], "paid");
  stage.wait(4 * kDay);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id(), {}, account).json["status"], "failed");
  expect_sums(stage.sim);
}

TEST(SimPayouts, AnInstantOneArrivesWithinTheHourAndCostsAFee) {
  Stage stage;
  stage.charge(100'000);
  const auto before = stage.balance("available");
  const auto payout = stage.post("/v1/payouts", order(10'000, "instant"));
  EXPECT_EQ(payout.json["status"], "in_transit") << payout.answer.body;
  EXPECT_EQ(stage.balance("available"), before - 10'000 - 100);
  stage.wait(kHour);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id()).json["status"], "paid");
  expect_sums(stage.sim);
}

TEST(SimPayouts, AMinimumBalanceStaysAndTheSumsStillHold) {
  Stage stage;
  const auto set = stage.post(
      "/v1/balance_settings",
      {{"payments", {{"payouts", {{"minimum_balance_by_currency", {{"usd", "2500"}}}}}}}});
  ASSERT_EQ(set.status, 200) << set.answer.body;
  stage.charge(20'000, "", "pm_card_visa");
  stage.wait(4 * kDay);
  EXPECT_EQ(stage.balance("available"), 2'500);
  expect_sums(stage.sim);
}

}  // namespace
}  // namespace payoutd::sim
