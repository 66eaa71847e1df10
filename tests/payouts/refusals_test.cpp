// What Stripe refuses for good: the payout fails with the reason, nothing moves, and the
// Idempotency-Key is free for another try.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Refusal : MoneyTest {
  explicit Refusal(sim::Options options = {}) : MoneyTest(std::move(options)) {}
  // The failed payout that the refusal left behind.
  std::string refused_one() { return sql("SELECT id::text FROM payouts WHERE status = 'failed'"); }
  void break_bank(const char* status) {
    sim.inspect([&](sim::World& world) {
      for (sim::Document* bank : sim::destinations_of(*world.store.account(shop)))
        bank->json["status"] = status;
    });
  }
};

TEST_F(Refusal, ByOurLookAtTheBalanceMakesNothing) {
  const auto answered = pay("k1", {{"amount", 1'000'001}, {"currency", "usd"}});
  EXPECT_EQ(answered.status, 422);
  EXPECT_EQ(answered.code(), "balance_insufficient");
  const std::string message = json(answered)["error"]["message"];
  EXPECT_NE(message.find("10000.01"), std::string::npos) << message;
  EXPECT_NE(message.find("10000.00"), std::string::npos) << message;
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
  expect_paid_once(pay_expecting("pending"));  // the key is free
}

TEST_F(Refusal, WhileTheBalanceCannotBeReadSaysThatNothingWasPaid) {
  fault({{"method", "GET"}, {"path", "/v1/balance"}, {"do", "reset_after"}, {"count", 0}});
  const auto answered = pay();
  EXPECT_EQ(answered.status, 503) << answered.body;
  EXPECT_EQ(answered.code(), "stripe_no_answer");
  EXPECT_NE(answered.body.find("this request paid nothing"), std::string::npos) << answered.body;
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Refusal, OfACancellationThatSaysMoreThanItCan) {
  const std::string id = pay_expecting("pending");
  const std::string target = "/api/payouts/" + id + "/cancel";
  EXPECT_EQ(send("POST", target, key, R"({"amount": 100})").code(), "parameter_unknown");
  EXPECT_EQ(status(id), "pending");
  EXPECT_EQ(send("POST", target, key, "{}").status, 200);
}

// The platform's own account is paid from without a header: the key alone says whose money moves.
TEST_F(Refusal, OfTheKeyOfAnotherPlatform) {
  const auto take_as_own = [&](const std::string& id) {
    return db().transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization,
                                     {.fields = {.stripe_account = id, .name = "Own"},
                                      .version = {from_unix(1)},
                                      .is_platform = true,
                                      .joined_at = from_unix(1)});
    });
  };
  const std::string own = Json::parse(sim.call("GET", "/v1/account", Json::object()).body)["id"];
  fund(own, 1'000'000);
  ASSERT_TRUE(take_as_own("acct_another"));
  const Json body{{"amount", 2'500}, {"currency", "usd"}, {"account", "acct_another"}};
  const auto refused = pay("k1", body);
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(refused.code(), "another_platform");
  EXPECT_NE(refused.body.find(own), std::string::npos) << refused.body;
  EXPECT_EQ(moved(own).size(), 0u);
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
  EXPECT_EQ(pay("k2").status, 201) << "an account that is called by its id";
}

// An organization that has another account is not paid from that one in the default's place.
TEST_F(Refusal, WithoutAnAccountWhileTheDefaultIsDeauthorized) {
  const std::string second = open_shop(organization);
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) -> Result<void> {
    EXPECT_TRUE(access::deauthorize_account(tx, organization, shop, clock.now()));
    return {};
  }));
  const auto refused = pay("k1");
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(refused.code(), "default_account_inactive");
  const auto named = pay("k1", {{"amount", 2'500}, {"currency", "usd"}, {"account", shop}});
  EXPECT_EQ(named.status, 409) << named.body;
  EXPECT_EQ(named.code(), "account_deauthorized");
  EXPECT_EQ(moved(shop).size() + moved(second).size(), 0u);
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
  EXPECT_EQ(pay("k2", {{"amount", 2'500}, {"currency", "usd"}, {"account", second}}).status, 201);
  EXPECT_EQ(moved(second).size(), 1u);
  ASSERT_TRUE(
      db().transact([&](pg::Tx& tx) { return access::make_default(tx, organization, second); }));
  EXPECT_EQ(pay("k1").status, 201) << "the key was free, and a person chose";
  EXPECT_EQ(moved(second).size(), 2u);
}

// The money leaves between our look and Stripe's.
TEST_F(Refusal, ByStripesBalanceFailsThePayoutAndFreesTheKey) {
  bool emptied = false;
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "committed" && !std::exchange(emptied, true)) fund(shop, -999'000);
  }});
  const auto answered = pay("k1");
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(answered.code(), "balance_insufficient");
  const std::string failed = refused_one();
  expect_not_paid(failed, "balance_insufficient");
  work();
  fund(shop, 999'000);
  pass_in_steps(30min);
  expect_not_paid(failed, "balance_insufficient");  // a refused one is never tried again by itself
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_NE(json(again)["id"], failed);
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(moved()[0]["metadata"][stripe::kPayoutIdKey], json(again)["id"]);
}

TEST_F(Refusal, OfTheDestinationNamesIt) {
  break_bank("errored");
  const auto answered = pay("k1");
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(answered.code(), "bank_account_unusable");
  EXPECT_EQ(json(answered)["error"]["param"], "destination");
  expect_not_paid(refused_one(), "bank_account_unusable");
  break_bank("new");
  EXPECT_EQ(pay("k1").status, 201);
  EXPECT_EQ(moved().size(), 1u);
}

TEST_F(Refusal, OfACurrencyWithoutABankAccount) {
  fund(shop, 50'000, "gbp");
  const auto answered = pay("k1", {{"amount", 100}, {"currency", "gbp"}});
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Refusal, OfTheMethod) {
  sim.inspect([&](sim::World& world) {
    for (sim::Document* bank : sim::destinations_of(*world.store.account(shop))) {
      bank->json["available_payout_methods"] = OrderedJson::array({"standard"});
    }
  });
  const auto answered = pay("k1", {{"amount", 5'000}, {"currency", "usd"}, {"method", "instant"}});
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(answered.code(), "instant_payouts_unsupported");
  expect_not_paid(refused_one(), "instant_payouts_unsupported");
}

TEST_F(Refusal, OfTooSmallAnAmount) {
  const auto answered = pay("k1", {{"amount", 49}, {"currency", "usd"}, {"method", "instant"}});
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(answered.code(), "amount_too_small");
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Refusal, OfTheKeyOfThisServiceIsNoFaultOfTheCaller) {
  // Between the balance and the payout the key ends.
  start({.at = [&](const char*) { sim.expire_key(sim.api_key()); }});
  const auto answered = pay("k1");
  EXPECT_EQ(answered.status, 502) << answered.body;
  EXPECT_EQ(answered.code(), "api_key_expired");
  EXPECT_EQ(answered.body.find(sim.api_key().reveal()), std::string::npos);
  EXPECT_EQ(moved().size(), 0u);
  EXPECT_EQ(state(refused_one()), "not_done");
}

// The first send was refused for good, but its answer never came: the repeat is answered with what
// is stored.
TEST_F(Refusal, ThatIsReplayedSpeaksForAllSends) {
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "committed") fund(shop, -999'000);
  }});
  fault_of_creation({{"do", "reset_after"}, {"count", 1}});
  const auto answered = pay("k1");
  EXPECT_EQ(answered.status, 422) << answered.body;
  EXPECT_EQ(answered.code(), "balance_insufficient");
  expect_not_paid(refused_one(), "balance_insufficient");
}

// A 401 that is not replayed says nothing of an earlier send that may have arrived.
TEST_F(Refusal, ThatIsFreshDecidesNothingAfterAnUnknownSend) {
  const std::string id = pay_with({{"do", "reset_before"}}, "processing");
  fault_of_creation({{"do", "status"}, {"status", 401}, {"code", "api_key_expired"}, {"count", 1}});
  pass(2min);
  EXPECT_EQ(state(id), "unknown");
  EXPECT_EQ(status(id), "processing");
  pass_in_steps(15min);
  expect_paid_once(id);
}

// Nor after a process that ended while it was sending; Stripe's list lags, and our key at Stripe is
// rolled.
struct RolledKey : Refusal {
  RolledKey() : Refusal({.api_keys = {Secret("sk_test_first"), Secret("sk_test_second")}}) {}
  void show(bool listed) {
    sim.inspect([&](sim::World& world) {
      for (auto* payout : world.store.account(shop)->documents["payout"]) payout->listed = listed;
    });
  }
};

TEST_F(RolledKey, AndItsRefusalDecideNothingAfterACrash) {
  start_and_end_at("answered");
  EXPECT_THROW(static_cast<void>(service->payouts.pay_out(wanted())), Killed);
  const std::string id = sql("SELECT id::text FROM payouts");
  show(false);
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "committed") sim.expire_key(sim.api_key());
  }});
  pass(3min);
  EXPECT_EQ(state(id), "unknown");
  EXPECT_EQ(status(id), "processing");
  start({.api_key = Secret("sk_test_second")});
  pass(15min);
  expect_paid_once(id);
  EXPECT_EQ(sql("SELECT sends::text FROM instructions"),
            "3");  // the last one was answered from what Stripe kept
}

// Two sends of one instruction overlap: what one is told does not settle the other.
TEST_F(Refusal, OfOneSendDoesNotSettleAnother) {
  fault_of_creation(
      {{"do", "status"}, {"status", 400}, {"code", "balance_insufficient"}, {"count", 1}});
  bool other = false;
  start({.at = [&](const char* at) {
    // Another instance sends the same and does not hear what came of it.
    if (std::string_view(at) != "answered" || std::exchange(other, true)) return;
    sql("UPDATE instructions SET sends = sends + 1, was_unknown = true, state = 'unknown' "
        "RETURNING ''");
  }});
  const std::string id = pay_expecting("processing");
  EXPECT_EQ(state(id), "unknown");
  pass_in_steps(15min);
  expect_paid_once(id);
}

}  // namespace
}  // namespace payoutd::payouts
