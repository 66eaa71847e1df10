// Whatever goes wrong between us and Stripe while a payout is made: one payout at Stripe, or a
// refusal and none.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Case {
  const char* name;
  Json fault;
  // Of the first answer, where the fault meets every send of the first request.
  const char* status_then;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

const Case kCases[] = {
    {"reset_before", {{"do", "reset_before"}}, "processing"},
    {"reset_after", {{"do", "reset_after"}}, "pending"},
    {"truncate", {{"do", "truncate"}}, "pending"},
    {"status_500", {{"do", "status"}, {"status", 500}}, "processing"},
    {"status_502", {{"do", "status"}, {"status", 502}}, "processing"},
    {"status_503", {{"do", "status"}, {"status", 503}}, "processing"},
    {"status_after_500", {{"do", "status_after"}, {"status", 500}}, "processing"},
    {"status_after_502", {{"do", "status_after"}, {"status", 502}}, "pending"},
    {"limited",
     {{"do", "status"}, {"status", 429}, {"retry_after", 1}, {"reason", "endpoint-rate"}},
     "queued"},
    {"locked", {{"do", "status"}, {"status", 429}, {"code", "lock_timeout"}}, "queued"},
    {"key_in_use",
     {{"do", "status"}, {"status", 409}, {"code", "idempotency_key_in_use"}},
     "processing"},
    {"no_retry", {{"do", "status"}, {"status", 500}, {"should_retry", false}}, "processing"},
    {"redirect", {{"do", "status"}, {"status", 302}}, "processing"},
    // A gateway answers instead of Stripe, which has the request or has it not.
    {"gateway_408",
     {{"do", "status"}, {"status", 408}, {"body", R"({"error":"Request Timeout"})"}},
     "processing"},
    {"gateway_after_408",
     {{"do", "status_after"}, {"status", 408}, {"body", R"({"error":"Request Timeout"})"}},
     "pending"},
    {"gateway_403",
     {{"do", "status"}, {"status", 403}, {"body", R"({"error":"account_invalid"})"}},
     "processing"},
    {"gateway_after_404", {{"do", "status_after"}, {"status", 404}, {"body", "<html>"}}, "pending"},
    {"gateway_429",
     {{"do", "status"}, {"status", 429}, {"body", R"({"message":"too many requests"})"}},
     "processing"},
    {"gateway_200", {{"do", "status"}, {"status", 200}, {"body", "{}"}}, "processing"},
    {"gateway_after_200", {{"do", "status_after"}, {"status", 200}, {"body", "{}"}}, "pending"},
};

struct Fault : MoneyTest, testing::WithParamInterface<Case> {
  void arm(int count) {
    Json fault = GetParam().fault;
    fault["count"] = count;
    fault_of_creation(fault);
  }
};

TEST_P(Fault, MeetingOneSendEndsInOnePayout) {
  arm(1);
  const Json answer = json(pay("k1"));
  const std::string id = answer["id"];
  pass_in_steps(15min);
  expect_paid_once(id);
  // The same question is answered as at first, however that was.
  const auto again = pay("k1");
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(json(again), answer);
  EXPECT_EQ(moved().size(), 1u);
}

TEST_P(Fault, MeetingEverySendOfTheRequestEndsInOnePayout) {
  const std::string id = pay_with(GetParam().fault, GetParam().status_then);
  pass_in_steps(15min);
  expect_paid_once(id);
  pass(4 * 24h);
  see(moved()[0]["id"]);
  EXPECT_EQ(status(id), "paid");
  expect_paid_once(id);
}

// For an hour nothing works; what is done meanwhile must not be done twice.
TEST_P(Fault, ThatLastsAnHourEndsInOnePayout) {
  arm(0);
  const std::string id = pay_expecting(GetParam().status_then);
  pass_in_steps(60min);
  sim.faults().clear();
  pass_in_steps(60min);
  expect_paid_once(id);
}

// A day of it: no key is sent after 23 hours, and what Stripe's lists never show is then refused.
TEST_P(Fault, ThatOutlastsTheKeyIsDecidedByLists) {
  arm(0);
  const std::string id = pay_expecting(GetParam().status_then);
  for (int hour = 0; hour < 22; ++hour) pass(1h);
  const auto at_22h = sql("SELECT sends::text FROM instructions");
  pass(61min);  // 23 h and a minute since the first send
  sim.faults().clear();
  pass_in_steps(4h);
  EXPECT_EQ(sql("SELECT sends::text FROM instructions"), at_22h);
  if (moved().empty()) {
    expect_not_paid(id, "not_at_stripe");
  } else {
    expect_paid_once(id);
  }
  pass(3 * 24h);
  EXPECT_LE(moved().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(OfTheCreation, Fault, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

struct Outage : MoneyTest {};

// The simulator's port is refused from the moment that the intent is committed.
TEST_F(Outage, OfThePortQueuesThePayoutUntilStripeIsThere) {
  bool down = false;
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "committed" && !std::exchange(down, true)) sim.stop();
  }});
  const std::string id = pay_expecting("queued");
  EXPECT_EQ(state(id), "ready");
  work();
  pass(15s);  // still down
  EXPECT_EQ(status(id), "queued");
  ASSERT_TRUE(sim.start().ok());
  pass_in_steps(15min);
  expect_paid_once(id);
  EXPECT_EQ(status(id), "pending");
}

TEST_F(Outage, BeforeAnythingWasCommittedIsA503AndNothing) {
  sim.stop();
  const auto answered = pay("k1");
  EXPECT_EQ(answered.status, 503) << answered.body;
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
  ASSERT_TRUE(sim.start().ok());
  expect_paid_once(pay_expecting("pending"));
}

// The first send is executed after the client stopped waiting; its repeat finds the key in use.
TEST_F(Outage, OfPatienceEndsInOnePayout) {
  start({.timeout = 1'000ms});
  fault_of_creation({{"do", "latency"}, {"ms", 2'500}, {"count", 1}});
  const std::string id = pay_expecting("processing");
  while (moved().empty()) std::this_thread::yield();  // Stripe's 2.5 s
  pass_in_steps(15min);
  expect_paid_once(id);
}

struct Gateway : MoneyTest {
  void instead_of_stripe(const std::string& method, const std::string& path, int status,
                         const std::string& body) {
    fault({{"do", "status"},
           {"method", method},
           {"path", path},
           {"status", status},
           {"body", body},
           {"count", 0}});
  }
};

// Stripe has paid; the proxy says otherwise to every send of the request, and to those after it.
TEST_F(Gateway, ThatTimesOutNeverFreesTheKey) {
  start({.at = [&](const char* at) {
    if (std::string_view(at) != "answered" || moved().empty()) return;
    sim.faults().clear();
  }});
  fault_of_creation({{"do", "status_after"},
                     {"status", 408},
                     {"should_retry", false},
                     {"body", R"({"error":"Request Timeout"})"}});
  const std::string id = pay_expecting("processing");
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(json(pay("k1"))["id"], id);
  EXPECT_EQ(moved().size(), 1u);
  pass_in_steps(15min);
  expect_paid_once(id);
}

TEST_F(Gateway, InFrontOfAListSendsNothingAndProvesNothing) {
  const std::string id = pay_with({{"do", "reset_before"}}, "processing");
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {200, "{}"}, {404, "<html>"}, {403, R"({"error":"account_invalid"})"}}) {
    instead_of_stripe("GET", "/v1/payouts", status, body);
    pass_in_steps(30min);
    EXPECT_EQ(state(id), "unknown");
    EXPECT_EQ(sql("SELECT sends::text FROM instructions"), "1");
    sim.faults().clear();
  }
  for (int hour = 0; hour < 4; ++hour) pass(1h);
  expect_paid_once(id);
}

TEST_F(Gateway, InFrontOfAnObjectDoesNotMakeItGone) {
  const std::string stripe_id = get("/api/payouts/" + pay_expecting("pending"))["stripe_payout_id"];
  const auto fetched = [&] {
    return mirror::fetch_and_apply(*service->db, *service->client, service->appliers,
                                   {.organization = organization,
                                    .account = shop,
                                    .stripe_header = shop,
                                    .type = "payout",
                                    .stripe_ids = {stripe_id},
                                    .retries = stripe::Retries::money()});
  };
  for (const auto& body : {std::string("<html>"), std::string("{}"),
                           std::string(R"({"error":{"code":"resource_missing"}})")}) {
    instead_of_stripe("GET", "/v1/payouts/*", 404, body);
    const auto applied = fetched();
    ASSERT_FALSE(applied) << body;
    EXPECT_EQ(applied.error().code, "stripe_gateway_answered");
    sim.faults().clear();
  }
  EXPECT_TRUE(fetched());
}

TEST_F(Gateway, InFrontOfACancellationRefusesNothing) {
  const std::string id = pay_expecting("pending");
  instead_of_stripe("POST", "/v1/payouts/*/cancel", 404, R"({"error":"resource_missing"})");
  const auto answered = send("POST", "/api/payouts/" + id + "/cancel", key);
  EXPECT_EQ(answered.status, 503) << answered.body;
  EXPECT_EQ(answered.code(), "outcome_unknown");
  sim.faults().clear();
  EXPECT_EQ(send("POST", "/api/payouts/" + id + "/cancel", key).status, 200);
}

// Where a list fails nothing is decided and nothing sent.
TEST_F(Outage, OfTheListSendsNothing) {
  const std::string id = pay_with({{"do", "reset_before"}}, "processing");
  fault({{"do", "status"},
         {"status", 500},
         {"method", "GET"},
         {"path", "/v1/payouts"},
         {"count", 0}});
  pass_in_steps(30min);
  EXPECT_EQ(state(id), "unknown");
  EXPECT_EQ(sql("SELECT sends::text FROM instructions"), "1");
  EXPECT_EQ(moved().size(), 0u);
  sim.faults().clear();
  pass_in_steps(30min);
  expect_paid_once(id);
}

}  // namespace
}  // namespace payoutd::payouts
