// Charges, refunds, disputes, fees, transfers, top-ups: each posts what Stripe would.
#include "sim/harness.h"

namespace payoutd::sim {
namespace {

struct SimMoney : testing::Test {
  Stage stage;
  ~SimMoney() override { expect_sums(stage.sim); }

  Answered charge(Json params, const std::string& account = "") {
    params["currency"] = params.value("currency", "usd");
    params["source"] = params.value("source", "tok_bypassPending");
    return stage.post("/v1/charges", params, account);
  }
  Json rows(const std::string& source, const std::string& account = "") {
    return stage.get("/v1/balance_transactions", {{"source", source}, {"limit", "100"}}, account)
        .json["data"];
  }
};

TEST_F(SimMoney, AChargeCostsItsFeeAndSettlesTwoMidnightsLater) {
  const auto made = charge({{"amount", "10000"}, {"source", "tok_visa"}});
  const auto row = rows(made.id())[0];
  EXPECT_EQ(row["amount"], 10'000);
  EXPECT_EQ(row["fee"], 320);
  EXPECT_EQ(row["net"], 9'680);
  EXPECT_EQ(row["status"], "pending");
  EXPECT_EQ(row["available_on"], midnight(kMondayNoon) + 2 * kDay);
  EXPECT_EQ(stage.balance("pending"), 9'680);
  stage.schedule(stage.sim.platform(), "manual");
  stage.wait(2 * kDay);
  EXPECT_EQ(stage.balance("available"), 9'680);
  EXPECT_EQ(stage.events("", "balance.available").size(), 1u);
}

TEST_F(SimMoney, ADeclineMovesNothingAndIsKept) {
  const auto declined =
      charge({{"amount", "1000"}, {"source", "tok_chargeDeclinedInsufficientFunds"}});
  EXPECT_EQ(declined.status, 402);
  EXPECT_EQ(declined.error("type"), "card_error");
  EXPECT_EQ(declined.error("decline_code"), "insufficient_funds");
  EXPECT_EQ(stage.get("/v1/charges/" + declined.error("charge")).json["status"], "failed");
  EXPECT_EQ(stage.balance("available") + stage.balance("pending"), 0);
  EXPECT_EQ(stage.events("", "charge.*"), std::vector<std::string>{"charge.failed"});
}

TEST_F(SimMoney, RefundsGiveBackTheGrossAndNeverTooMuch) {
  const auto made = charge({{"amount", "10000"}});
  const auto refund = [&](Json params) {
    params["charge"] = made.id();
    return stage.post("/v1/refunds", params);
  };
  EXPECT_EQ(refund({{"amount", "4000"}}).status, 200);
  EXPECT_EQ(refund({{"amount", "7000"}}).error("param"), "amount");
  EXPECT_EQ(refund({}).json["amount"], 6'000);
  EXPECT_EQ(refund({}).error("code"), "charge_already_refunded");
  EXPECT_EQ(stage.get("/v1/charges/" + made.id()).json["refunded"], true);
  EXPECT_EQ(stage.balance("available"), -320);  // the fee is kept
}

TEST_F(SimMoney, ARefundThatTheBankSendsBackReturnsToTheBalance) {
  const auto made = charge({{"amount", "10000"}, {"source", "tok_refundFail"}});
  const auto refund = stage.post("/v1/refunds", {{"charge", made.id()}});
  EXPECT_EQ(refund.json["status"], "succeeded");
  stage.schedule(stage.sim.platform(), "manual");
  stage.wait(6 * kDay);
  const auto failed = stage.get("/v1/refunds/" + refund.id());
  EXPECT_EQ(failed.json["status"], "failed");
  EXPECT_EQ(rows(refund.id()).size(), 2u);
  EXPECT_EQ(rows(refund.id())[0]["type"], "refund_failure");
  EXPECT_EQ(stage.events("", "refund.failed").size(), 1u);
}

TEST_F(SimMoney, EvidenceDecidesADispute) {
  for (const bool wins : {true, false}) {
    const auto made = charge({{"amount", "5000"}, {"source", "tok_createDispute"}});
    const auto dispute = stage.get("/v1/disputes", {{"charge", made.id()}}).json["data"][0];
    EXPECT_EQ(dispute["status"], "needs_response");
    EXPECT_EQ(dispute["balance_transactions"][0]["net"], -6'500);
    const std::string path = "/v1/disputes/" + dispute["id"].get<std::string>();
    const auto closed = stage.post(
        path,
        {{"evidence", {{"uncategorized_text", wins ? "winning_evidence" : "losing_evidence"}}}});
    EXPECT_EQ(closed.json["status"], wins ? "won" : "lost");
    EXPECT_EQ(closed.json["balance_transactions"].size(), wins ? 2u : 1u);
  }
  EXPECT_EQ(stage.events("", "charge.dispute.funds_reinstated").size(), 1u);
  EXPECT_EQ(stage.events("", "charge.dispute.closed").size(), 2u);
}

TEST_F(SimMoney, AnInquiryMovesNoMoney) {
  const auto made = charge({{"amount", "5000"}, {"source", "tok_createDisputeInquiry"}});
  const auto dispute = stage.get("/v1/disputes").json["data"][0];
  EXPECT_EQ(dispute["status"], "warning_needs_response");
  EXPECT_TRUE(dispute["balance_transactions"].empty());
  stage.post("/v1/disputes/" + dispute["id"].get<std::string>() + "/close");
  EXPECT_EQ(stage.get("/v1/disputes").json["data"][0]["status"], "warning_closed");
}

TEST_F(SimMoney, ADirectChargePaysThePlatformItsFee) {
  const auto account = stage.connect();
  const auto made = charge(
      {{"amount", "10000"}, {"application_fee_amount", "1000"}, {"source", "tok_visa"}}, account);
  const auto row = rows(made.id(), account)[0];
  EXPECT_EQ(row["fee"], 1'320);
  EXPECT_EQ(row["fee_details"][1]["type"], "application_fee");
  const std::string fee = made.json["application_fee"];
  EXPECT_EQ(rows(fee)[0]["amount"], 1'000);
  EXPECT_EQ(rows(fee)[0]["reporting_category"], "platform_earning");
  EXPECT_EQ(stage.post("/v1/application_fees/" + fee + "/refunds", {{"amount", "400"}}).status,
            200);
  EXPECT_EQ(stage.post("/v1/application_fees/" + fee + "/refunds", {{"amount", "700"}}).status,
            400);
  EXPECT_EQ(stage.get("/v1/application_fees/" + fee).json["amount_refunded"], 400);
  EXPECT_EQ(stage.events("", "application_fee.refunded").size(), 1u);
}

TEST_F(SimMoney, ADestinationChargeMovesOnAndComesBackOnRequest) {
  const auto account = stage.connect();
  const auto made = charge({{"amount", "10000"},
                            {"application_fee_amount", "1500"},
                            {"transfer_data", {{"destination", account}}}});
  const auto transfer = stage.get("/v1/transfers/" + made.json["transfer"].get<std::string>());
  EXPECT_EQ(transfer.json["amount"], 10'000);
  EXPECT_EQ(transfer.json["source_transaction"], made.id());
  EXPECT_EQ(stage.balance("available", account), 8'500);
  EXPECT_EQ(stage.balance("available"), 10'000 - 320 - 10'000 + 1'500);
  stage.post(
      "/v1/refunds",
      {{"charge", made.id()}, {"reverse_transfer", "true"}, {"refund_application_fee", "true"}});
  EXPECT_EQ(stage.balance("available", account), 0);
  EXPECT_EQ(stage.balance("available"), -320);
  EXPECT_EQ(stage.get("/v1/transfers/" + transfer.id()).json["reversed"], true);
}

TEST_F(SimMoney, ATransferNeedsFundsAndIsReversedOnce) {
  const auto account = stage.connect();
  const Json order{{"amount", "3000"}, {"currency", "usd"}, {"destination", account}};
  EXPECT_EQ(stage.post("/v1/transfers", order).error("code"), "balance_insufficient");
  stage.charge(10'000);
  const auto before = stage.balance("available");
  const auto transfer = stage.post("/v1/transfers", order);
  EXPECT_EQ(stage.balance("available"), before - 3'000);
  EXPECT_EQ(stage.balance("available", account), 3'000);
  const auto path = "/v1/transfers/" + transfer.id() + "/reversals";
  EXPECT_EQ(stage.post(path, {{"amount", "1000"}}).status, 200);
  EXPECT_EQ(stage.post(path, {{"amount", "2500"}}).error("param"), "amount");
  EXPECT_EQ(stage.post(path).json["amount"], 2'000);
  EXPECT_EQ(stage.post(path).status, 400);
  EXPECT_EQ(stage.balance("available"), before);
  const auto payments = stage.sim.payments()["data"];
  EXPECT_EQ(payments[0]["id"], transfer.id());
  EXPECT_EQ(payments[0]["reversed"], true);
}

TEST_F(SimMoney, ATransferOfAChargeWaitsForItsMoney) {
  const auto account = stage.connect();
  const auto made = charge({{"amount", "10000"}, {"source", "tok_visa"}});
  const Json order{{"amount", "8000"},
                   {"currency", "usd"},
                   {"destination", account},
                   {"source_transaction", made.id()}};
  EXPECT_EQ(stage.post("/v1/transfers", order).status, 200);
  EXPECT_EQ(stage.balance("pending", account), 8'000);
  EXPECT_EQ(stage.post("/v1/transfers", order).error("param"), "amount");
}

TEST_F(SimMoney, AnotherCurrencySettlesAtTheRateOfItsRow) {
  const auto made = charge({{"amount", "10000"}, {"currency", "eur"}});
  const auto row = rows(made.id())[0];
  EXPECT_EQ(row["currency"], "usd");
  EXPECT_EQ(row["amount"], 10'850);
  EXPECT_EQ(row["exchange_rate"].dump(), "1.085");
}

TEST_F(SimMoney, APartialCapturePostsTheRestBack) {
  const auto made = charge({{"amount", "10000"}, {"capture", "false"}});
  EXPECT_TRUE(made.json["balance_transaction"].is_null());
  EXPECT_EQ(stage.post("/v1/charges/" + made.id() + "/capture", {{"amount", "6000"}}).status, 200);
  const auto posted = rows(made.id());
  ASSERT_EQ(posted.size(), 2u);
  EXPECT_EQ(posted[0]["reporting_category"], "partial_capture_reversal");
  EXPECT_EQ(posted[0]["amount"], -4'000);
  EXPECT_EQ(posted[1]["amount"], 10'000);
}

TEST_F(SimMoney, ATopUpArrivesOrFailsAsItsSourceSays) {
  const auto good = stage.post("/v1/topups", {{"amount", "5000"}, {"currency", "usd"}});
  const auto bad = stage.post(
      "/v1/topups",
      {{"amount", "5000"}, {"currency", "usd"}, {"source", "btok_us_verified_noAccount"}});
  stage.schedule(stage.sim.platform(), "manual");
  stage.wait(3 * kDay);
  EXPECT_EQ(stage.get("/v1/topups/" + good.id()).json["status"], "succeeded");
  EXPECT_EQ(stage.get("/v1/topups/" + bad.id()).json["failure_code"], "no_account");
  EXPECT_EQ(stage.balance("available"), 5'000);
}

TEST_F(SimMoney, ACardCanMakeStripeStopThePayoutsOfAnAccount) {
  const auto account = stage.connect();
  stage.charge(10'000, account);
  charge({{"amount", "1000"}, {"source", "tok_visa_triggerPayoutBlock"}}, account);
  const Json order{{"amount", "100"}, {"currency", "usd"}};
  EXPECT_EQ(stage.post("/v1/payouts", order, account).error("code"), "payouts_not_allowed");
  EXPECT_EQ(stage.get("/v1/accounts/" + account).json["payouts_enabled"], false);
  EXPECT_EQ(stage.events(account, "account.updated").size(), 2u);
  ASSERT_TRUE(stage.sim.activity(account, {{"payout_unblocks", 1}}));
  EXPECT_EQ(stage.post("/v1/payouts", order, account).status, 200);
}

TEST_F(SimMoney, AnIntentWaitsForItsCardCustomerOrCapture) {
  const auto intent = stage.post("/v1/payment_intents", {{"amount", "1000"}, {"currency", "usd"}});
  EXPECT_EQ(intent.json["status"], "requires_payment_method");
  const auto path = "/v1/payment_intents/" + intent.id();
  EXPECT_EQ(stage.post(path + "/confirm").status, 400);
  const auto declined =
      stage.post(path + "/confirm", {{"payment_method", "pm_card_visa_chargeDeclined"}});
  EXPECT_EQ(declined.status, 402);
  EXPECT_EQ(declined.json["error"]["payment_intent"]["status"], "requires_payment_method");
  const auto asked =
      stage.post(path + "/confirm", {{"payment_method", "pm_card_authenticationRequired"}});
  EXPECT_EQ(asked.json["status"], "requires_action");
  EXPECT_EQ(stage.post(path + "/confirm").json["status"], "succeeded");
  EXPECT_EQ(stage.post(path + "/cancel").error("code"), "payment_intent_unexpected_state");
  const auto manual = stage.post("/v1/payment_intents", {{"amount", "1000"},
                                                         {"currency", "usd"},
                                                         {"confirm", "true"},
                                                         {"payment_method", "pm_card_visa"},
                                                         {"capture_method", "manual"}});
  EXPECT_EQ(manual.json["status"], "requires_capture");
  const auto captured = stage.post("/v1/payment_intents/" + manual.id() + "/capture");
  EXPECT_EQ(captured.json["amount_received"], 1'000);
}

}  // namespace
}  // namespace payoutd::sim
