// Canceling: before it is sent, in one lock with sending; at Stripe while that allows it; else 409
// with the reason.
#include <atomic>
#include <barrier>
#include <thread>

#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Cancel : MoneyTest {
  http::Answered cancel(const std::string& id, const std::string& headers = "") const {
    return send("POST", "/api/payouts/" + id + "/cancel", key, "", headers);
  }
  void expect_refused(const std::string& id, const std::string& reason) {
    const auto answered = cancel(id);
    EXPECT_EQ(answered.status, 409) << answered.body;
    EXPECT_EQ(answered.code(), "payout_not_cancelable");
    EXPECT_NE(answered.body.find(reason), std::string::npos) << answered.body;
  }
  void expect_undone_at_stripe() {
    ASSERT_EQ(moved().size(), 1u);
    EXPECT_EQ(moved()[0]["reversed"], true);
  }
  std::int64_t balance() {
    return Json::parse(
        sim.call("GET", "/v1/balance", Json::object(), shop).body)["available"][0]["amount"];
  }
  // A payout that could not be sent for now: queued, its instruction ready.
  std::string queued(const std::string& idempotency_key = "k1") {
    return pay_with({{"do", "status"}, {"status", 429}}, "queued", idempotency_key);
  }
  std::string canceled_by(const std::string& id) {
    const Json trail = get("/api/payouts/" + id + "/audit-trail");
    for (const Json& event : trail["data"]) {
      if (event["kind"] == "cancel_requested" || event["kind"] == "canceled")
        return event["changedBy"];
    }
    return "nobody";
  }
};

TEST_F(Cancel, OfAPendingOneGivesTheMoneyBackOnce) {
  const std::string id = pay_expecting("pending");
  const std::int64_t without = balance();
  const auto answered = cancel(id);
  EXPECT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(json(answered)["status"], "canceled");
  EXPECT_EQ(json(answered)["statusHistory"].back()["status"], "canceled") << answered.body;
  const Json trail = get("/api/payouts/" + id + "/audit-trail")["data"];
  EXPECT_EQ(trail[trail.size() - 2]["kind"], "cancel_requested") << trail.dump();
  EXPECT_EQ(balance(), without + 2'500);
  expect_undone_at_stripe();
  EXPECT_TRUE(canceled_by(id).starts_with("key:")) << canceled_by(id);
  expect_refused(id, "canceled already");
  pass(4 * 24h);
  EXPECT_EQ(status(id), "canceled");
  EXPECT_EQ(balance(), without + 2'500);
}

TEST_F(Cancel, TakesEitherId) {
  const std::string id = pay_expecting("pending");
  EXPECT_EQ(cancel(get("/api/payouts/" + id)["stripe_payout_id"]).status, 200);
  EXPECT_EQ(status(id), "canceled");
}

TEST_F(Cancel, OfOneUnderWayOrPaidIsRefused) {
  const std::string id = pay_expecting("pending");
  ASSERT_TRUE(sim.advance(2h).ok());
  expect_refused(id, "in_transit");  // Stripe's word, though the mirror still showed it as pending
  EXPECT_EQ(status(id), "in_transit");
  expect_refused(id, "in_transit");
  ASSERT_TRUE(sim.advance(4 * 24h).ok());
  expect_refused(id, "in_transit");
  EXPECT_EQ(moved()[0]["reversed"], false);
}

TEST_F(Cancel, OfAnAutomaticOneIsRefused) {
  sim.inspect([&](sim::World& world) {
    CHECK(sim::set_schedule(world, *world.store.account(shop), {.interval = "daily"}).has_value());
  });
  ASSERT_TRUE(sim.advance(24h).ok());
  const Json made = Json::parse(sim.call("GET", "/v1/payouts", Json::object(), shop).body)["data"];
  ASSERT_EQ(made.size(), 1u);
  ASSERT_EQ(made[0]["automatic"], true);
  see(made[0]["id"]);
  expect_refused(made[0]["id"], "by its schedule");
}

TEST_F(Cancel, OfOneMadeInStripesDashboardIsStripesToDo) {
  const auto made = sim.call("POST", "/v1/payouts", {{"amount", "900"}, {"currency", "usd"}}, shop);
  const std::string stripe_id = Json::parse(made.body)["id"];
  see(stripe_id);
  EXPECT_EQ(cancel(stripe_id).status, 200);
  expect_undone_at_stripe();
}

TEST_F(Cancel, OfAQueuedOneSendsNothingAnyMore) {
  const std::string id = queued();
  const auto answered = cancel(id);
  EXPECT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(json(answered)["status"], "canceled");
  pass_in_steps(60min);
  EXPECT_EQ(status(id), "canceled");
  EXPECT_EQ(moved().size(), 0u);
  expect_refused(id, "canceled already");
  // The key keeps its answer: asking again pays nothing.
  EXPECT_EQ(pay("k1").header("idempotent-replayed"), "true");
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Cancel, OfAnUnknownOutcomeIsRefusedUntilItIsKnown) {
  fault_of_creation({{"do", "status_after"}, {"status", 500}});
  const std::string id = pay_expecting("processing");
  expect_refused(id, "processing");
  pass(15min);
  EXPECT_EQ(status(id), "pending");
  EXPECT_EQ(cancel(id).status, 200);
  expect_undone_at_stripe();
}

TEST_F(Cancel, BetweenTheLookAndTheSendingSendsNothing) {
  const std::string id = queued();
  start({.at = [&](const char* at) {
    if (std::string_view(at) != "looked") return;
    EXPECT_EQ(cancel(id).status, 200);
  }});
  pass_in_steps(30min);
  EXPECT_EQ(status(id), "canceled");
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Cancel, AfterTheSendingBeganIsRefused) {
  const std::string id = queued();
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "committed") expect_refused(id, "processing");
  }});
  pass_in_steps(30min);
  EXPECT_EQ(status(id), "pending");
  expect_paid_once(id);
}

// Each payout ends canceled with nothing at Stripe, or sent and alive: never both.
TEST_F(Cancel, RacingWithSendingEndsInOneOfTheTwo) {
  std::vector<PayoutId> ids;
  for (int i = 0; i < 24; ++i) ids.push_back(*PayoutId::parse(queued(fmt::format("k{}", i))));
  clock.advance(1min);
  std::atomic<int> canceled = 0;
  std::barrier start_line(2);
  std::jthread sending([&] {
    for (const PayoutId id : ids) {
      start_line.arrive_and_wait();
      static_cast<void>(service->payouts.resolver().resolve(organization, id));
    }
  });
  for (const PayoutId id : ids) {
    start_line.arrive_and_wait();
    // Now and then the sender is given a head start.
    while (id.value.bytes[15] % 2 == 0 && state(id.str()) == "ready") std::this_thread::yield();
    if (service->payouts.cancel(organization, id, "test").ok()) ++canceled;
  }
  sending.join();
  pass_in_steps(30min);
  std::size_t sent = 0;
  const Json payments = moved();
  for (const PayoutId id : ids) {
    const auto ours = std::ranges::count_if(payments, [&](const Json& payment) {
      return payment["metadata"][stripe::kPayoutIdKey] == id.str() && payment["reversed"] == false;
    });
    EXPECT_EQ(ours, status(id.str()) == "canceled" ? 0 : 1) << id.str() << ' ' << status(id.str());
    sent += static_cast<std::size_t>(ours);
  }
  EXPECT_EQ(sent, ids.size() - static_cast<std::size_t>(canceled.load()));
}

TEST_F(Cancel, WhoseAnswerIsLostIsToldByThePayoutItself) {
  const std::string id = pay_expecting("pending");
  fault(
      {{"do", "reset_after"}, {"method", "POST"}, {"path", "/v1/payouts/*/cancel"}, {"count", 1}});
  EXPECT_EQ(cancel(id).status, 200);
  expect_undone_at_stripe();
}

// A failure that Stripe keeps under its key must not block canceling for a day.
TEST_F(Cancel, ThatFailedAtStripeMayBeAskedAgain) {
  const std::string id = pay_expecting("pending");
  fault({{"do", "status"},
         {"status", 500},
         {"stored", true},
         {"method", "POST"},
         {"path", "/v1/payouts/*/cancel"}});
  const auto failed = cancel(id, "Idempotency-Key: c1\r\n");
  EXPECT_EQ(failed.status, 503) << failed.body;
  EXPECT_EQ(status(id), "pending");
  EXPECT_EQ(cancel(id, "Idempotency-Key: c1\r\n").status, 200);
  expect_undone_at_stripe();
  EXPECT_EQ(cancel(id, "Idempotency-Key: c1\r\n").header("idempotent-replayed"), "true");
}

TEST_F(Cancel, OfWhatIsNotThereIs404) {
  EXPECT_EQ(cancel("po_none").status, 404);
  EXPECT_EQ(cancel(PayoutId::make().str()).status, 404);
}

}  // namespace
}  // namespace payoutd::payouts
