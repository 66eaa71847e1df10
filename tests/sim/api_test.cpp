// Keys, accounts, errors, idempotency and faults, as a client meets them.
#include <thread>

#include "sim/harness.h"

namespace payoutd::sim {
namespace {

const Json kPayout{{"amount", "100"}, {"currency", "usd"}};

Answered keyed(Stage& stage, const std::string& key, Json params = kPayout,
               std::string path = "/v1/payouts") {
  return answered(stage.sim.handle({.method = "POST",
                                    .path = std::move(path),
                                    .params = std::move(params),
                                    .key = stage.sim.api_key().reveal(),
                                    .idempotency_key = key}));
}

std::size_t paid(Stage& stage) { return stage.sim.payments()["data"].size(); }

struct SimApi : testing::Test {
  Stage stage;
  void SetUp() override { stage.charge(100'000); }
  void fault(const char* what, Json more = Json::object()) {
    more["do"] = what;
    more["path"] = "/v1/payouts";
    ASSERT_TRUE(stage.sim.faults().add(more));
  }
};

TEST_F(SimApi, RefusesKeysThatAreMissingUnknownExpiredOrPublishable) {
  const auto with = [&](const std::string& key) {
    return answered(stage.sim.handle({.method = "GET", .path = "/v1/balance", .key = key}));
  };
  EXPECT_EQ(with("").status, 401);
  EXPECT_EQ(with("sk_test_nobodyKnowsThisOne").status, 401);
  EXPECT_EQ(with("sk_test_nobodyKnowsThisOne").error("message"),
            "Invalid API Key provided: sk_test_****sOne");
  EXPECT_EQ(with("pk_test_123").error("code"), "secret_key_required");
  stage.sim.expire_key(stage.sim.api_key());
  EXPECT_EQ(with(stage.sim.api_key().reveal()).error("code"), "api_key_expired");
}

TEST_F(SimApi, EveryObjectBelongsToOneAccount) {
  const auto account = stage.connect();
  const auto payout = stage.post("/v1/payouts", kPayout);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id(), {}, account).status, 404);
  EXPECT_EQ(stage.get("/v1/payouts/" + payout.id()).status, 200);
  const auto denied = stage.get("/v1/balance", {}, "acct_nobody");
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.error("code"), "account_invalid");
  ASSERT_TRUE(stage.sim.activity(account, {{"deauthorizations", 1}}));
  EXPECT_EQ(stage.get("/v1/balance", {}, account).status, 403);
}

TEST_F(SimApi, AnswersUnknownPathsAndEchoesHeaders) {
  EXPECT_EQ(stage.get("/v1/nothing").status, 404);
  EXPECT_EQ(stage.post("/v1/balance").status, 404);
  const auto first = stage.get("/v1/balance"), second = stage.get("/v1/balance");
  EXPECT_TRUE(first.header("Request-Id").starts_with("req_"));
  EXPECT_NE(first.header("Request-Id"), second.header("Request-Id"));
  EXPECT_EQ(first.header("Stripe-Version"), kApiVersion);
}

TEST_F(SimApi, AKeyRepeatsTheFirstAnswer) {
  const auto first = keyed(stage, "k1"), again = keyed(stage, "k1");
  EXPECT_EQ(first.answer.body, again.answer.body);
  EXPECT_EQ(again.header("Idempotent-Replayed"), "true");
  EXPECT_EQ(again.header("Original-Request"), first.header("Request-Id"));
  EXPECT_EQ(paid(stage), 1u);
  const auto other = keyed(stage, "k1", {{"amount", "200"}, {"currency", "usd"}});
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(other.error("type"), "idempotency_error");
  stage.wait(25 * kHour);
  EXPECT_NE(keyed(stage, "k1").id(), first.id());
}

TEST_F(SimApi, AKeyRepeatsRefusalsThatWereExecutedOnly) {
  const Json much{{"amount", "99999999"}, {"currency", "usd"}};
  EXPECT_EQ(keyed(stage, "k1", much).error("code"), "balance_insufficient");
  EXPECT_EQ(keyed(stage, "k1", much).header("Idempotent-Replayed"), "true");
  EXPECT_EQ(keyed(stage, "k2", {{"amount", "100"}}).error("code"), "parameter_missing");
  EXPECT_EQ(keyed(stage, "k2").status, 200);
}

TEST_F(SimApi, OneOfTwoAtOnceIsToldToWait) {
  // Either may come first. Two that did not meet, on a busy machine, are followed by two more.
  for (std::size_t pair = 1; pair <= 20; ++pair) {
    stage.sim.faults().clear();
    fault("latency", {{"ms", 300}, {"count", 2}});
    const std::string key = "k" + std::to_string(pair);
    Answered one, two;
    std::thread other([&] { one = keyed(stage, key); });
    two = keyed(stage, key);
    other.join();
    ASSERT_EQ(paid(stage), pair);
    const Answered& refused = one.status == 409 ? one : two;
    if (refused.status != 409) continue;
    EXPECT_EQ(refused.error("code"), "idempotency_key_in_use") << refused.answer.body;
    EXPECT_EQ((one.status == 409 ? two : one).status, 200);
    return;
  }
  FAIL() << "no two calls met";
}

TEST_F(SimApi, FaultsBreakTheAnswerOrTheDeedAsTheyAreTold) {
  fault("reset_before");
  EXPECT_EQ(keyed(stage, "a").answer.cut, Cut::reset);
  EXPECT_EQ(paid(stage), 0u);
  fault("reset_after");
  EXPECT_EQ(keyed(stage, "a").answer.cut, Cut::reset);
  EXPECT_EQ(paid(stage), 1u);
  EXPECT_EQ(keyed(stage, "a").header("Idempotent-Replayed"), "true");
  fault("status", {{"status", 503}});
  EXPECT_EQ(keyed(stage, "b").status, 503);
  EXPECT_EQ(paid(stage), 1u);
  fault("status_after", {{"status", 500}});
  EXPECT_EQ(keyed(stage, "b").status, 500);
  EXPECT_EQ(paid(stage), 2u);
  EXPECT_EQ(keyed(stage, "b").status, 500);  // Stripe replays its own 500s
  fault("status_after", {{"status", 502}});
  EXPECT_EQ(keyed(stage, "c").status, 502);
  EXPECT_EQ(keyed(stage, "c").status, 200);  // a proxy's 502 hides the answer that is kept
  fault("truncate");
  EXPECT_EQ(keyed(stage, "d").answer.cut, Cut::truncate);
  EXPECT_EQ(paid(stage), 4u);
}

TEST_F(SimApi, LimitsComeBeforeEverythingElse) {
  RateLimiter::Limits limits;
  limits.test_rps = 2;
  stage.sim.limits().set(limits);
  std::map<int, int> statuses;
  Answered last;
  for (int i = 0; i < 5; ++i) {
    const auto answer = keyed(stage, "k" + std::to_string(i));
    ++statuses[answer.status];
    if (answer.status == 429) last = answer;
  }
  EXPECT_GE(statuses[429], 2);
  EXPECT_EQ(last.header("Stripe-Rate-Limited-Reason"), "global-rate");
  EXPECT_EQ(last.error("code"), "rate_limit");
  EXPECT_EQ(paid(stage), static_cast<std::size_t>(statuses[200]));
}

TEST_F(SimApi, MetadataMergesUnsetsAndHasBounds) {
  const auto payout =
      stage.post("/v1/payouts",
                 {{"amount", "100"}, {"currency", "usd"}, {"metadata", {{"a", "1"}, {"b", "2"}}}});
  const auto update = [&](Json metadata) {
    return stage.post("/v1/payouts/" + payout.id(), {{"metadata", metadata}});
  };
  EXPECT_EQ(update({{"a", ""}, {"c", "3"}}).json["metadata"], (Json{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(update("").json["metadata"], Json::object());
  EXPECT_EQ(update({{std::string(41, 'k'), "1"}}).status, 400);
  EXPECT_EQ(update({{"k", std::string(501, 'v')}}).status, 400);
}

}  // namespace
}  // namespace payoutd::sim
