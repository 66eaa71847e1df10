// A process that ends at its worst moments, and the proof of absence.
#include "jobs/queue.h"
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Crash : MoneyTest {
  std::string only_payout() { return sql("SELECT id::text FROM payouts"); }
  void end_at(const char* point) {
    start_and_end_at(point);
    EXPECT_THROW(static_cast<void>(service->payouts.pay_out(wanted())), Killed);
  }
  std::string only(const char* column) {
    return sql(fmt::format("SELECT {}::text FROM instructions", column));
  }
};

TEST_F(Crash, BetweenTheIntentAndItsSendingPaysOnceAfterwards) {
  end_at("committed");
  EXPECT_EQ(moved().size(), 0u);
  const std::string id = only_payout();
  EXPECT_EQ(state(id), "sending");
  start();
  work();
  pass(149s);  // whoever was sending may still be
  EXPECT_EQ(moved().size(), 0u);
  EXPECT_EQ(status(id), "processing");
  pass(15min);
  expect_paid_once(id);
}

TEST_F(Crash, BetweenStripesAnswerAndOursFindsThePayoutInTheList) {
  end_at("answered");
  const std::string id = only_payout();
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(status(id), "processing");
  start();
  pass(15min);
  expect_paid_once(id);
  EXPECT_EQ(only("sends"), "1");  // nothing had to be sent again
}

TEST_F(Crash, AgainAndAgainWhileItIsBeingResolvedPaysOnce) {
  end_at("committed");
  const std::string id = only_payout();
  for (const char* point : {"looked", "committed", "answered", "answered"}) {
    start_and_end_at(point);
    clock.advance(15min);
    try {
      static_cast<void>(service->payouts.resolver().resolve(organization, *PayoutId::parse(id)));
    } catch (const Killed&) {
    }
  }
  start();
  pass(15min);
  expect_paid_once(id);
}

TEST_F(Crash, TheSameKeyGoesOnWhereTheFirstRequestStopped) {
  start({.at = [](const char* at) {
    if (std::string_view(at) == "answered") throw Killed{};
  }});
  EXPECT_EQ(pay("k1").status, 500);
  EXPECT_EQ(moved().size(), 1u);
  start();
  clock.advance(15min);
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  const std::string id = json(again)["id"];
  EXPECT_EQ(json(again)["status"], "pending");
  expect_paid_once(id);
  work();
  expect_paid_once(id);
}

// The money is gone meanwhile: by us, to itself.
TEST_F(Crash, TheSameKeyIsNotRefusedForTheMoneyThatItHasPaid) {
  start_and_end_at("answered");
  EXPECT_EQ(pay("k1", {{"amount", 1'000'000}, {"currency", "usd"}}).status, 500);
  start();
  clock.advance(15min);
  const auto again = pay("k1", {{"amount", 1'000'000}, {"currency", "usd"}});
  EXPECT_EQ(again.status, 201) << again.body;
  expect_paid_once(json(again)["id"]);
}

// A process is stopped between its commit and its first byte. Others pay meanwhile, and Stripe
// forgets the key.
TEST_F(Crash, AProcessThatSleptForADaySendsNothing) {
  start();
  bool asleep = false;
  const auto sleep_once = [&](const char* at) {
    if (std::string_view(at) != "committed" || std::exchange(asleep, true)) return;
    pass(15min);
    ASSERT_EQ(moved().size(), 1u);
    pass(25h);
  };
  const SendingParts parts{.db = *service->db,
                           .client = *service->client,
                           .appliers = service->appliers,
                           .clock = clock,
                           .own_account = service->own_account,
                           .settings = {.caller_waits = 60s, .at = sleep_once}};
  StripePayouts sleeper(parts);
  const auto id = sleeper.pay_out(wanted());
  ASSERT_TRUE(id.ok());
  expect_paid_once(id->str());
}

// The queue lost the job, or a backup did not have it.
TEST_F(Crash, APayoutWhoseJobIsGoneIsLookedInto) {
  end_at("committed");
  const std::string id = only_payout();
  sql("DELETE FROM jobs RETURNING ''");
  start();
  pass(2h);
  EXPECT_EQ(moved().size(), 0u);
  const auto asked = db().transact([&](pg::Tx& tx) -> Result<void> {
    jobs::enqueue(tx, jobs::Job{.kind = kResolveAllJob});
    return {};
  });
  ASSERT_TRUE(asked.ok());
  work();
  expect_paid_once(id);
}

// Stripe keeps what it answered, though nothing was done: only lists can tell.
struct Absence : Crash {
  std::string unknown_for_ever() {
    fault_of_creation({{"do", "status"}, {"status", 500}, {"stored", true}});
    return pay_expecting("processing");
  }
  // At once, whatever the pace is.
  void resolve() {
    sql("UPDATE instructions SET next_look_at = NULL RETURNING ''");
    static_cast<void>(
        service->payouts.resolver().resolve(organization, *PayoutId::parse(only_payout())));
  }
};

TEST_F(Absence, IsProvenByTwoListsTheSecondTenMinutesAfterTheLastSend) {
  const std::string id = unknown_for_ever();
  EXPECT_EQ(only("outcome_code"), "replayed_error");
  resolve();
  EXPECT_EQ(state(id), "unknown");
  EXPECT_NE(only("absent_since"), "null");
  clock.advance(9min);
  resolve();
  clock.advance(59s);
  resolve();
  EXPECT_EQ(state(id), "unknown");  // three lists, none of them late enough
  clock.advance(1s);
  resolve();
  expect_not_paid(id, "not_at_stripe");
}

TEST_F(Absence, IsNotProvenByOneListHoweverLate) {
  const std::string id = unknown_for_ever();
  clock.advance(5h);
  resolve();
  EXPECT_EQ(state(id), "unknown");
  clock.advance(1min);
  resolve();
  expect_not_paid(id, "not_at_stripe");
}

TEST_F(Absence, IsNotProvenByAListThatBreaksOff) {
  const std::string id = unknown_for_ever();
  fault({{"do", "truncate"}, {"method", "GET"}, {"path", "/v1/payouts"}, {"count", 0}});
  for (int hour = 0; hour < 3; ++hour) {
    clock.advance(1h);
    resolve();
  }
  EXPECT_EQ(state(id), "unknown");
  EXPECT_EQ(only("absent_since"), "null");
}

// Stripe shows it late, between the two lists.
TEST_F(Absence, IsNotProvenWhereTheSecondListShowsIt) {
  start_and_end_at("answered");
  fault_of_creation({{"do", "status_after"}, {"status", 500}});
  EXPECT_EQ(pay("k1").status, 500);
  const std::string id = only_payout();
  sql("UPDATE instructions SET absent_since = last_sent_at, state = 'unknown', outcome_code = "
      "'replayed_error'"
      " RETURNING ''");
  start();
  clock.advance(11min);
  resolve();
  expect_paid_once(id);
}

TEST_F(Absence, OfAWeekIsForAPerson) {
  const std::string id = unknown_for_ever();
  fault({{"do", "status"},
         {"status", 500},
         {"method", "GET"},
         {"path", "/v1/payouts"},
         {"count", 0}});
  for (int day = 0; day < 7; ++day) pass(24h);
  EXPECT_EQ(state(id), "unknown");
  pass(4h);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(status(id), "processing");  // it is not called failed
  sim.faults().clear();
  pass(24h);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(moved().size(), 0u);
}

// An object that names our payout but is of another amount decides nothing, and no key is sent
// again.
TEST_F(Absence, OfTheRightAmountIsForAPerson) {
  end_at("committed");
  const std::string id = only_payout();
  const auto made =
      sim.call("POST", "/v1/payouts",
               {{"amount", "777"},
                {"currency", "usd"},
                {"metadata", {{stripe::kPayoutIdKey, id}, {stripe::kAttemptKey, "1"}}}},
               shop);
  ASSERT_EQ(made.status, 200) << made.body;
  start();
  pass(15min);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(only("outcome_code"), "another_object");
  pass(24h);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(moved().size(), 1u);
}

// The payout itself comes late: it is the one that was asked for.
TEST_F(Absence, OfTheRightAmountEndsWhenThePayoutIsShown) {
  end_at("committed");
  const std::string id = only_payout();
  const auto make = [&](const char* amount) {
    const auto made =
        sim.call("POST", "/v1/payouts",
                 {{"amount", amount},
                  {"currency", "usd"},
                  {"metadata", {{stripe::kPayoutIdKey, id}, {stripe::kAttemptKey, "1"}}}},
                 shop);
    EXPECT_EQ(made.status, 200) << made.body;
    return Json::parse(made.body)["id"].get<std::string>();
  };
  make("777");
  start();
  pass(15min);
  ASSERT_EQ(state(id), "needs_review");
  const std::string stripe_id = make("2500");
  see(stripe_id);
  work();
  EXPECT_EQ(state(id), "done");
  EXPECT_EQ(status(id), "pending");
  EXPECT_EQ(get("/api/payouts/" + id)["stripe_payout_id"], stripe_id);
}

// Two payouts of one are for a person, and stay so.
TEST_F(Absence, OfASecondPayoutIsForAPerson) {
  start({.at = [this](const char* at) {
    if (std::string_view(at) != "answered" || moved().size() != 1) return;
    const auto other = sim.call(
        "POST", "/v1/payouts",
        {{"amount", "2500"}, {"currency", "usd"}, {"metadata", moved()[0]["metadata"]}}, shop);
    ASSERT_EQ(other.status, 200) << other.body;
    see(Json::parse(other.body)["id"]);
  }});
  const std::string id = json(pay("k1"))["id"];
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(only("outcome_code"), "second_object");
  pass(24h);
  EXPECT_TRUE(service->payouts.resolver().resolve(organization, *PayoutId::parse(id)));
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(moved().size(), 2u);
}

// A person settles what looking did not.
struct Review : Absence {
  // In review although Stripe may or may not have it.
  void give_up(const std::string& id) {
    sql("UPDATE instructions SET state = 'needs_review', outcome_message = 'a week' RETURNING ''");
    EXPECT_EQ(status(id), "processing");
    clock.advance(10min);
  }
  Result<void> settle(const std::string& id) {
    return service->payouts.settle_not_paid(*PayoutId::parse(id), {"ada", "not in the dashboard"});
  }
};

TEST_F(Review, CallsItFailedWhenStripesListDoesNotShowIt) {
  const std::string id = unknown_for_ever();
  give_up(id);
  ASSERT_TRUE(settle(id));
  EXPECT_EQ(state(id), "not_done");
  EXPECT_EQ(status(id), "failed");
  const Json event = get("/api/payouts/" + id)["events"].back();
  EXPECT_EQ(event["changedBy"], "ada");
  EXPECT_EQ(event["notes"], "not in the dashboard");
  EXPECT_EQ(settle(id).error().code, "not_in_review");
  EXPECT_EQ(moved().size(), 0u);
  EXPECT_NE(pay_expecting("pending", "k2"), id);
  pass(24h);
  EXPECT_EQ(moved().size(), 1u);
}

TEST_F(Review, WaitsUntilNothingThatWasSentMayStillArrive) {
  const std::string id = unknown_for_ever();
  give_up(id);
  sql("UPDATE instructions SET last_sent_at = last_sent_at + interval '1 second' RETURNING ''");
  EXPECT_EQ(settle(id).error().code, "sent_too_recently");
  EXPECT_EQ(state(id), "needs_review");
  clock.advance(1s);
  EXPECT_TRUE(settle(id));
}

TEST_F(Review, IsOverruledByWhatStripeShows) {
  end_at("answered");
  const std::string id = only_payout();
  start();
  give_up(id);
  EXPECT_EQ(settle(id).error().code, "paid_at_stripe");
  expect_paid_once(id);
}

TEST_F(Review, ChangesNothingWhileStripeCannotBeAsked) {
  const std::string id = unknown_for_ever();
  give_up(id);
  fault({{"do", "status"},
         {"status", 500},
         {"method", "GET"},
         {"path", "/v1/payouts"},
         {"count", 0}});
  EXPECT_EQ(settle(id).error().kind, Kind::retry);
  EXPECT_EQ(state(id), "needs_review");
}

TEST_F(Review, MaySettleBesideAnObjectOfAnotherAmount) {
  end_at("committed");
  const std::string id = only_payout();
  ASSERT_EQ(sim.call("POST", "/v1/payouts",
                     {{"amount", "777"},
                      {"currency", "usd"},
                      {"metadata", {{stripe::kPayoutIdKey, id}, {stripe::kAttemptKey, "1"}}}},
                     shop)
                .status,
            200);
  start();
  give_up(id);
  ASSERT_TRUE(settle(id));
  EXPECT_EQ(status(id), "failed");
  EXPECT_EQ(moved().size(), 1u);  // the other one's
}

// A process that was stopped for a day between its commit and its first byte sends nothing.
TEST_F(Crash, WhatWaitedTooLongForItsTurnIsNotSent) {
  const auto request = [] {
    return stripe::Request::post("/v1/payouts", stripe::IdempotencyKey("late"),
                                 "amount=1&currency=usd")
        .until(std::chrono::steady_clock::now() - 1s);
  };
  const auto fresh = service->client->send(request());
  EXPECT_EQ(fresh.outcome, stripe::Outcome::not_done);
  EXPECT_EQ(fresh.error.code, "stripe_too_late");
  const auto doubtful = service->client->send(request().earlier({.unknown = true, .sends = 1}));
  EXPECT_EQ(doubtful.outcome, stripe::Outcome::unknown);
  EXPECT_EQ(moved().size(), 0u);
}

}  // namespace
}  // namespace payoutd::payouts
