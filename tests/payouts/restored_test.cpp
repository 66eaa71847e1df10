// A database that went back in time pays nobody twice: Stripe's own records tell what it forgot.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Restored : MoneyTest {
  // What `happens` is forgotten, but not by Stripe. The process that did it ends.
  void forgetting(const std::function<void()>& happens) {
    service.reset();
    const std::string backup = snapshot();
    start();
    happens();
    service.reset();
    restore(backup);
    start();
  }
  std::string count(const std::string& of) { return sql("SELECT count(*)::text FROM " + of); }
  void expect_one_payment(const std::string& id) {
    ASSERT_EQ(moved().size(), 1u) << moved().dump();
    EXPECT_EQ(get("/api/payouts/" + id)["stripe_payout_id"], moved()[0]["id"]);
  }
};

TEST_F(Restored, ToBeforeTheRequestAnswersItsKeyWithThePayoutThatWasMade) {
  std::string stripe_id;
  forgetting(
      [&] { stripe_id = get("/api/payouts/" + pay_expecting("pending"))["stripe_payout_id"]; });
  EXPECT_EQ(count("payouts"), "0");
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["stripe_payout_id"], stripe_id);
  EXPECT_EQ(json(again)["external_id"], "k1");
  expect_one_payment(json(again)["id"]);
  EXPECT_EQ(count("payouts"), "1");
}

// Stripe has forgotten the key of that request since.
TEST_F(Restored, AWeekLateItStillDoes) {
  forgetting([&] {
    pay_expecting("pending");
    pass(7 * 24h);
  });
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["status"], "paid");
  expect_one_payment(json(again)["id"]);
}

TEST_F(Restored, ToAnotherTimeOfManyRequestsRepeatsNone) {
  for (int i = 0; i < 3; ++i) pay_expecting("pending", fmt::format("old{}", i));
  forgetting([&] {
    for (int i = 0; i < 105; ++i)
      pay_expecting("pending", fmt::format("new{}", i));  // more than a page
  });
  for (int i = 0; i < 105; i += 8) EXPECT_EQ(pay(fmt::format("new{}", i)).status, 201);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pay(fmt::format("old{}", i)).status, 201);
  EXPECT_EQ(moved().size(), 108u);
  EXPECT_EQ(count("payouts"), "108");
  // What was never asked for is paid, beside all these.
  EXPECT_EQ(pay("fresh").status, 201);
  EXPECT_EQ(moved().size(), 109u);
}

TEST_F(Restored, TheKeyOfAnotherAmountIsRefused) {
  forgetting([&] { pay_expecting("pending"); });
  const auto other = pay("k1", {{"amount", 2'600}, {"currency", "usd"}});
  EXPECT_EQ(other.status, 422) << other.body;
  EXPECT_EQ(other.code(), "idempotency_key_reused");
  EXPECT_EQ(moved().size(), 1u);
}

TEST_F(Restored, TheKeyOfAnythingElseIsRefusedToo) {
  const Json asked{{"amount", 2'500},
                   {"currency", "usd"},
                   {"description", "March"},
                   {"metadata", {{"invoice", "7"}, {"empty", ""}}}};
  std::string stripe_id;
  forgetting([&] {
    const auto made = pay("k1", asked);
    ASSERT_EQ(made.status, 201) << made.body;
    stripe_id = json(made)["stripe_payout_id"];
  });
  const std::vector<std::pair<std::string, Json>> others{
      {"method", {{"method", "instant"}}},
      {"description", {{"description", "April"}}},
      {"description", {{"description", nullptr}}},
      {"metadata", {{"metadata", {{"invoice", "8"}}}}},
      {"metadata", {{"metadata", {{"invoice", "7"}, {"more", "1"}}}}},
      {"metadata", {{"metadata", nullptr}}}};
  for (const auto& [name, change] : others) {
    Json other = asked;
    other.merge_patch(change);
    const auto answered = pay("k1", other);
    EXPECT_EQ(answered.status, 422) << other.dump() << answered.body;
    EXPECT_EQ(answered.code(), "idempotency_key_reused");
    EXPECT_NE(answered.body.find("differs in " + name), std::string::npos) << answered.body;
  }
  const auto again = pay("k1", asked);
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["stripe_payout_id"], stripe_id);
  EXPECT_EQ(moved().size(), 1u);
}

// What was sent decides, not what was edited at Stripe since.
TEST_F(Restored, AKeyOfEditedMetadataIsStillItsRequests) {
  const Json asked{{"amount", 2'500}, {"currency", "usd"}, {"metadata", {{"invoice", "7"}}}};
  const auto made = pay("k1", asked);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = json(made)["id"], stripe_id = json(made)["stripe_payout_id"];
  ASSERT_EQ(
      sim.call("POST", "/v1/payouts/" + stripe_id, {{"metadata", {{"invoice", "8"}}}}, shop).status,
      200);
  clock.advance(2s);
  see(stripe_id);
  ASSERT_EQ(get("/api/payouts/" + id)["metadata"]["invoice"], "8");
  sql("DELETE FROM idempotency_keys RETURNING ''");
  const auto again = pay("k1", asked);
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["id"], id);
}

TEST_F(Restored, WithoutStripesRecordsNothingIsSent) {
  forgetting([&] { pay_expecting("pending"); });
  fault({{"do", "status"},
         {"status", 500},
         {"method", "GET"},
         {"path", "/v1/payouts"},
         {"count", 0}});
  const auto refused = pay("k2");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(moved().size(), 1u);
  sim.faults().clear();
  EXPECT_EQ(pay("k2").status, 201);
  EXPECT_EQ(moved().size(), 2u);
}

// A payout of ours that the database refuses is not passed over: its key would pay it once more.
TEST_F(Restored, WhereAPayoutOfOursCanNotBeWrittenDownNothingIsPaid) {
  std::string stripe_id;
  forgetting(
      [&] { stripe_id = get("/api/payouts/" + pay_expecting("pending"))["stripe_payout_id"]; });
  sql("ALTER TABLE payouts ADD CONSTRAINT poison CHECK (stripe_payout_id <> '" + stripe_id + "')");
  for (const char* key : {"k1", "k2"}) {
    const auto refused = pay(key);
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(refused.code(), "payout_not_kept") << refused.body;
  }
  EXPECT_EQ(moved().size(), 1u);
  sql("ALTER TABLE payouts DROP CONSTRAINT poison");
  EXPECT_EQ(json(pay("k1"))["stripe_payout_id"], stripe_id);
  EXPECT_EQ(moved().size(), 1u);
}

// A sync or a webhook may bring the payout first: its row gets the key back all the same.
TEST_F(Restored, AndMirroredSinceTheKeyIsFound) {
  std::string stripe_id;
  forgetting(
      [&] { stripe_id = get("/api/payouts/" + pay_expecting("pending"))["stripe_payout_id"]; });
  see(stripe_id);
  EXPECT_EQ(json(pay("k1"))["stripe_payout_id"], stripe_id);
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(count("payouts"), "1");
}

// The backup was made when the intent stood and nothing was sent; it was sent since.
TEST_F(Restored, BetweenTheIntentAndItsSendingFindsWhatWasSentSince) {
  start_and_end_at("committed");
  EXPECT_THROW(static_cast<void>(service->payouts.pay_out(wanted())), Killed);
  const std::string id = sql("SELECT id::text FROM payouts");
  forgetting([&] {
    pass(15min);
    expect_paid_once(id);
  });
  EXPECT_EQ(state(id), "sending");
  pass(15min);
  expect_paid_once(id);
  EXPECT_EQ(sql("SELECT sends::text FROM instructions"), "1");
}

// Days later the key is forgotten at Stripe: to send it again would pay again.
TEST_F(Restored, DaysLateBetweenTheIntentAndItsSendingSendsNothing) {
  start_and_end_at("committed");
  EXPECT_THROW(static_cast<void>(service->payouts.pay_out(wanted())), Killed);
  const std::string id = sql("SELECT id::text FROM payouts");
  forgetting([&] {
    pass(15min);
    for (int day = 0; day < 4; ++day) pass(24h);
    expect_paid_once(id);
  });
  pass(15min);
  expect_paid_once(id);
  EXPECT_EQ(status(id), "paid");
}

// Within the life of the key, should the list not show it: the same key and body find Stripe's
// answer.
TEST_F(Restored, WithAListThatLagsTheKeyDecides) {
  start_and_end_at("committed");
  EXPECT_THROW(static_cast<void>(service->payouts.pay_out(wanted())), Killed);
  const std::string id = sql("SELECT id::text FROM payouts");
  forgetting([&] {
    pass(15min);
    expect_paid_once(id);
  });
  sim.inspect([&](sim::World& world) {
    for (auto* payout : world.store.account(shop)->documents["payout"]) payout->listed = false;
  });
  pass(15min);
  expect_paid_once(id);
}

// The service is not even started again: its connections break, and the database is another one.
TEST_F(Restored, UnderARunningServiceIsNoticed) {
  const auto restored_below = [&](const std::function<void()>& happens) {
    service.reset();
    const std::string backup = snapshot();
    start();
    happens();
    restore(backup);
  };
  restored_below([&] { pay_expecting("pending"); });
  auto again = pay("k1");
  for (int tries = 0; again.status == 503 && tries < 50; ++tries)
    again = pay("k1");  // connections that broke
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(count("payouts"), "1");
}

TEST_F(Restored, TheListIsReadOnceForAllWhoAsk) {
  const auto lists = [&] { return sim.stats()["executed"].get<int>(); };
  ASSERT_EQ(pay("k0").status, 201);
  const int before = lists();
  for (int i = 1; i <= 5; ++i) ASSERT_EQ(pay(fmt::format("k{}", i)).status, 201);
  EXPECT_EQ(lists() - before, 10);  // a balance and a creation each
}

}  // namespace
}  // namespace payoutd::payouts
