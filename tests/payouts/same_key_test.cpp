// One Idempotency-Key is one payout, however often and at once it is asked for; and what arrives by
// itself before our answer is that payout, too.
#include <algorithm>
#include <barrier>
#include <map>
#include <thread>

#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct SameKey : MoneyTest {
  // The answers of as many threads at once, by their number.
  std::vector<http::Answered> at_once(int threads, const std::function<http::Answered(int)>& ask) {
    std::vector<http::Answered> answers(static_cast<std::size_t>(threads));
    std::barrier start_line(threads);
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        start_line.arrive_and_wait();
        answers[static_cast<std::size_t>(i)] = ask(i);
      });
    }
    running.clear();
    return answers;
  }
};

TEST_F(SameKey, GivesTheSameAnswerForEver) {
  const auto first = pay("k1");
  ASSERT_EQ(first.status, 201) << first.body;
  pass(4 * 24h);  // it is paid by now, and Stripe has forgotten the key
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(first.header("idempotent-replayed"), "");
  expect_paid_once(json(first)["id"]);
}

TEST_F(SameKey, WithAnotherBodyIsRefused) {
  const std::string id = pay_expecting("pending");
  const auto other = pay("k1", {{"amount", 2'501}, {"currency", "usd"}});
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.code(), "idempotency_key_reused");
  expect_paid_once(id);
}

TEST_F(SameKey, OfAnotherOrganizationIsAnotherKey) {
  const std::string id = pay_expecting("pending");
  const auto other = send("POST", "/api/payouts", other_key,
                          R"({"amount": 2500, "currency": "usd"})", "Idempotency-Key: k1\r\n");
  EXPECT_EQ(other.status, 201) << other.body;
  EXPECT_NE(json(other)["id"], id);
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(moved(other_shop).size(), 1u);
}

TEST_F(SameKey, FromTwentyThreadsIsOnePayout) {
  fault_of_creation({{"do", "latency"}, {"ms", 200}, {"count", 1}});
  std::string id;
  for (const auto& answer : at_once(20, [&](int) { return pay("k1"); })) {
    if (answer.status == 409) {
      EXPECT_EQ(answer.code(), "idempotency_key_in_use");
      EXPECT_NE(answer.header("retry-after"), "");
      continue;
    }
    ASSERT_EQ(answer.status, 201) << answer.body;
    if (id.empty()) id = json(answer)["id"];
    EXPECT_EQ(json(answer)["id"], id);
  }
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(json(pay("k1"))["id"], id);
  expect_paid_once(id);
}

// Past the layer of Idempotency-Keys the unique index decides.
TEST_F(SameKey, FromTwentyThreadsOfOneUseCaseIsOnePayout) {
  std::vector<std::string> ids(20);
  at_once(20, [&](int i) {
    const auto id = service->payouts.pay_out(wanted());
    ids[static_cast<std::size_t>(i)] = id ? id->str() : id.error().code;
    return http::Answered{};
  });
  EXPECT_EQ(std::ranges::count(ids, ids[0]), 20) << ids[0];
  pass(15min);
  expect_paid_once(ids[0]);
}

TEST_F(SameKey, DifferentKeysPayWhatTheBalanceAllows) {
  fund(shop, -1'000'000 + 7'500);
  std::map<int, int> by_status;
  for (const auto& answer : at_once(20, [&](int i) { return pay(fmt::format("k{}", i)); })) {
    ++by_status[answer.status];
    if (answer.status != 201) {
      EXPECT_EQ(answer.code(), "balance_insufficient") << answer.body;
    }
  }
  EXPECT_EQ(by_status[201], 3);
  EXPECT_EQ(by_status[422], 17);
  pass_in_steps(30min);
  EXPECT_EQ(moved().size(), 3u);
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts WHERE status = 'pending'"), "3");
  EXPECT_EQ(sql("SELECT count(*)::text FROM instructions WHERE state NOT IN ('done', 'not_done')"),
            "0");
}

TEST_F(SameKey, WithoutKeysEveryRequestIsAPayout) {
  EXPECT_EQ(pay().status, 201);
  EXPECT_EQ(pay().status, 201);
  EXPECT_EQ(moved().size(), 2u);
}

// Stripe's webhooks overtake the answer to the request that they tell of, in any order.
struct Overtaken : SameKey {
  std::vector<Json> events() {
    std::vector<Json> found;
    const Json all = Json::parse(sim.call("GET", "/v1/events", {{"limit", "100"}}, shop).body);
    for (const Json& event : all["data"]) {
      if (event["type"].get<std::string>().starts_with("payout.")) found.push_back(event);
    }
    std::ranges::reverse(found);
    return found;
  }
  void deliver(const Json& event) {
    const std::string object = event["data"]["object"].dump(), id = event["id"],
                      type = event["type"];
    const mirror::Version version{.organization = organization,
                                  .account = shop,
                                  .object = object,
                                  .shown_at = from_unix(event["created"].get<std::int64_t>()),
                                  .source = mirror::Source::event,
                                  .event_id = id,
                                  .event_type = type};
    const auto applied = service->db->transact([&](pg::Tx& tx) -> Result<void> {
      mirror::enqueue_follow_ups(tx, mirror::apply(tx, service->appliers, {&version, 1}));
      return {};
    });
    ASSERT_TRUE(applied.ok());
  }
  void expect_all_paid_once(const std::vector<std::string>& ids) {
    EXPECT_EQ(moved().size(), ids.size());
    EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), std::to_string(ids.size()));
    for (const std::string& id : ids) {
      EXPECT_EQ(status(id), "paid");
      EXPECT_EQ(state(id), "done");
    }
  }
};

TEST_F(Overtaken, ByEveryOrderOfItsEventsEndsInOnePaidRow) {
  std::vector<std::string> ids;
  std::vector<int> order;
  std::size_t before = 0;  // so many events come before the answer
  std::vector<Json> these;
  start({.at = [&](const char* at) {
    if (std::string_view(at) != "answered") return;
    ASSERT_TRUE(sim.advance(4 * 24h).ok());
    these = events();
    these.erase(these.begin(), these.end() - 3);  // created, updated to in_transit, paid
    for (std::size_t i = 0; i < before; ++i) deliver(these[static_cast<std::size_t>(order[i])]);
  }});
  for (before = 0; before <= 3; ++before) {
    order = {0, 1, 2};
    do {
      const auto answered = pay(fmt::format("k{}", ids.size()));
      ASSERT_EQ(answered.status, 201) << answered.body;
      ids.push_back(json(answered)["id"]);
      for (std::size_t i = before; i < 3; ++i) deliver(these[static_cast<std::size_t>(order[i])]);
      for (const Json& event : these) deliver(event);  // and all of them twice
      work();
    } while (std::ranges::next_permutation(order).found);
  }
  EXPECT_EQ(ids.size(), 24u);
  expect_all_paid_once(ids);
}

// No answer comes at all: the webhook alone settles it.
TEST_F(Overtaken, ByAWebhookWhereTheAnswerIsLost) {
  fault_of_creation({{"do", "status_after"}, {"status", 500}});
  const std::string id = pay_expecting("processing");
  deliver(events().at(0));
  EXPECT_EQ(status(id), "pending");
  work();
  expect_paid_once(id);
  EXPECT_EQ(sql("SELECT sends::text FROM instructions"), "1");
}

// The webhook comes when the refusal of another send is about to be written down.
TEST_F(Overtaken, ByAWebhookNoRefusalIsBelieved) {
  fault_of_creation(
      {{"do", "status_after"}, {"status", 400}, {"code", "balance_insufficient"}, {"count", 1}});
  start({.at = [&](const char* at) {
    if (std::string_view(at) == "answered") deliver(events().at(0));
  }});
  const std::string id = pay_expecting("pending");
  expect_paid_once(id);
}

}  // namespace
}  // namespace payoutd::payouts
