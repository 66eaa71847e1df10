// Our clock and Stripe's are seconds apart: what Stripe showed last stands all the same.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct ClocksApart : MoneyTest, testing::WithParamInterface<int> {
  ClocksApart() {
    ours.set(clock.now() + std::chrono::seconds{GetParam()});
    auto opened = stripe::Client::open({.key = sim.api_key(), .base = sim.url(), .clock = &ours});
    CHECK(opened.ok());
    client = *std::move(opened);
    payout = Json::parse(
        sim.call("POST", "/v1/payouts", {{"amount", 2'500}, {"currency", "usd"}}, shop).body)["id"];
  }
  // Both clocks go on.
  void seconds_pass(int seconds) {
    ours.advance(std::chrono::seconds{seconds});
    ASSERT_TRUE(sim.advance(std::chrono::seconds{seconds}).ok());
  }
  void change(const std::string& order) {
    const auto answer =
        sim.call("POST", "/v1/payouts/" + payout, {{"metadata", {{"order", order}}}}, shop);
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  void fetch() {
    const auto fetched = mirror::fetch_and_apply(*service->db, *client, service->appliers,
                                                 {.organization = organization,
                                                  .account = shop,
                                                  .stripe_header = shop,
                                                  .type = "payout",
                                                  .stripe_ids = {payout}});
    ASSERT_TRUE(fetched.ok());
  }
  // The newest event, as a webhook brings it.
  void hear() {
    const Json event =
        Json::parse(
            sim.call("GET", "/v1/events", {{"limit", 1}, {"type", "payout.updated"}}, shop).body)
            .at("data")
            .at(0);
    const std::string object = event.at("data").at("object").dump();
    const std::string id = event.at("id"), type = event.at("type");
    const mirror::Version version{.organization = organization,
                                  .account = shop,
                                  .object = object,
                                  .shown_at = from_unix(event.at("created").get<std::int64_t>()),
                                  .source = mirror::Source::event,
                                  .event_id = id,
                                  .event_type = type};
    ASSERT_TRUE(
        db().transact([&](pg::Tx& tx) -> Result<void> {
              mirror::enqueue_follow_ups(tx, mirror::apply(tx, service->appliers, {&version, 1}));
              return {};
            })
            .ok());
  }
  std::string order() { return order_of(payout); }
  std::string order_of(const std::string& stripe_id) {
    return sql(
        fmt::format("SELECT coalesce(metadata->>'order', 'none') FROM payouts"
                    " WHERE stripe_payout_id = '{}'",
                    stripe_id));
  }

  ManualClock ours{clock.now()};
  std::unique_ptr<stripe::Client> client;
  std::string payout;
};

TEST_P(ClocksApart, AnEventAfterAFetchStands) {
  fetch();
  seconds_pass(1);
  change("1");
  hear();
  EXPECT_EQ(order(), "1");
}

TEST_P(ClocksApart, AFetchAfterAnEventStands) {
  change("1");
  hear();
  seconds_pass(2);
  change("2");
  fetch();
  EXPECT_EQ(order(), "2");
  hear();
  EXPECT_EQ(order(), "2");
}

// The job's clock is ours; it may begin while Stripe's is still in the second of the tie.
TEST_P(ClocksApart, ATieIsFetchedUntilStripesClockIsPastIt) {
  change("1");
  hear();
  change("2");
  hear();
  ASSERT_EQ(sql("SELECT tied::text FROM payouts"), "true");
  ASSERT_EQ(sql("SELECT count(*)::text FROM jobs WHERE kind = 'mirror.refetch'"), "1");
  for (int second = 0; second < 20 && sql("SELECT tied::text FROM payouts") == "true"; ++second) {
    jobs::Worker worker(*service->db, ours,
                        mirror::mirror_handlers(*service->db, *client, service->appliers),
                        {.threads = 1, .urgent_threads = 0, .poll = 5ms});
    const std::string due = fmt::format(
        "SELECT count(*)::text FROM jobs WHERE kind = 'mirror.refetch' AND (state IN ('ready',"
        " 'running') OR (state = 'scheduled' AND run_at <= '{}'))",
        to_iso(ours.now()));
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (sql(due) != "0" && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_TRUE(worker.stop());
    seconds_pass(1);
  }
  EXPECT_EQ(sql("SELECT tied::text FROM payouts"), "false");
  EXPECT_EQ(order(), "2");
  EXPECT_EQ(sql("SELECT count(*)::text FROM jobs WHERE kind = 'mirror.refetch'"), "0");
}

// The first answer was lost; the key's second send is answered as the first one was.
TEST_P(ClocksApart, AReplayedAnswerIsAsOldAsThePayout) {
  std::string made;
  start({.between_sends = [&] {
    EXPECT_TRUE(sim.advance(10s).ok());
    for (const Json& payment : moved()) {
      if (payment["id"] != payout) made = payment["id"];
    }
    sim.call("POST", "/v1/payouts/" + made, {{"metadata", {{"order", "1"}}}}, shop);
    EXPECT_TRUE(sim.advance(10s).ok());
  }});
  fault_of_creation({{"do", "status_after"}, {"status", 502}, {"count", 1}});
  const std::string id = pay_expecting("pending");
  ASSERT_NE(made, "");
  EXPECT_EQ(order_of(made), "none");
  hear();
  EXPECT_EQ(order_of(made), "1");
  EXPECT_EQ(get("/api/payouts/" + id)["stripe_payout_id"], made);
}

INSTANTIATE_TEST_SUITE_P(Seconds, ClocksApart, testing::Values(-3, 0, 3));

}  // namespace
}  // namespace payoutd::payouts
