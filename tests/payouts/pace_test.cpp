// How often a payout is tried again whose outcome is not known, and what is written down of it.
#include "jobs/queue.h"
#include "payouts/look_rules.h"
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

TEST(Pause, DoublesFromFifteenSecondsToHours) {
  EXPECT_EQ(pause_before_look(0, 0), 15s);
  EXPECT_EQ(pause_before_look(1, 0), 30s);
  EXPECT_EQ(pause_before_look(4, 0), 4min);
  EXPECT_EQ(pause_before_look(9, 0), 2h);
  EXPECT_EQ(pause_before_look(1'000, 0), 2h);
  EXPECT_EQ(pause_before_look(0, 0.5), 18'750ms);
  EXPECT_EQ(pause_before_look(1'000, 1), 3h);
}

struct Pace : MoneyTest {
  int sends() { return std::stoi(sql("SELECT sends::text FROM instructions")); }
  Json trail(const std::string& id) { return get("/api/payouts/" + id + "/audit-trail")["data"]; }
  std::vector<std::string> kinds(const std::string& id) {
    std::vector<std::string> found;
    for (const Json& event : trail(id)) found.push_back(event["kind"]);
    return found;
  }
  // Everything that might look at once: the sweep, a job of another instance, the caller.
  void hurry(const std::string& id) {
    const auto asked = db().transact([&](pg::Tx& tx) -> Result<void> {
      jobs::enqueue(tx, jobs::Job{.kind = kResolveAllJob});
      jobs::enqueue(
          tx, jobs::Job{
                  .kind = kResolveJob, .organization = organization, .payload = {{"payout", id}}});
      return {};
    });
    ASSERT_TRUE(asked.ok());
    EXPECT_EQ(service->payouts.resolver().resolve(organization, *PayoutId::parse(id)).error().kind,
              Kind::retry);
  }
};

TEST_F(Pace, GrowsAndIsQuickenedByNobody) {
  fault_of_creation({{"do", "status"}, {"status", 429}, {"count", 0}});
  const std::string id = pay_expecting("queued");
  std::vector<int> after_each_hour;
  for (int hour = 0; hour < 4; ++hour) {
    for (int step = 0; step < 12; ++step) {
      pass(5min);
      hurry(id);
      work();
    }
    after_each_hour.push_back(sends());
  }
  EXPECT_GE(after_each_hour[0], 5);
  EXPECT_LE(after_each_hour[0], 9);
  EXPECT_LE(after_each_hour[3], 13);
  const Json payout = get("/api/payouts/" + id);
  EXPECT_EQ(payout["attempts"], sends());
  EXPECT_EQ(payout["next_attempt_at"], payout["instruction"]["next_look_at"]);
  EXPECT_GT(payout["next_attempt_at"].get<std::string>(), to_iso(clock.now()));
  EXPECT_EQ(kinds(id), (std::vector<std::string>{"requested", "not_arrived", "sent"}));
  sim.faults().clear();
  pass(3h);
  expect_paid_once(id);
  const Json paid = get("/api/payouts/" + id);
  EXPECT_TRUE(paid["next_attempt_at"].is_null());
  EXPECT_EQ(paid["attempts"], sends());
  EXPECT_EQ(trail(id).back()["status"], "pending");
}

TEST_F(Pace, IsKeptWhereTheJobIsLost) {
  fault_of_creation({{"do", "status"}, {"status", 500}, {"count", 0}});
  const std::string id = pay_expecting("processing");
  for (int i = 0; i < 6; ++i) pass(15min);
  const int before = sends();
  sql("DELETE FROM jobs RETURNING ''");
  pass(24h);
  EXPECT_EQ(sends(), before);
  sim.faults().clear();
  hurry(id);  // the sweep finds it; the key has ended meanwhile
  work();
  EXPECT_EQ(sends(), before);
  EXPECT_NE(sql("SELECT absent_since::text FROM instructions"), "null");
}

TEST_F(Pace, AnOutcomeIsWrittenDownWhenItIsAnother) {
  fault_of_creation({{"do", "status"}, {"status", 500}, {"count", 0}});
  const std::string id = pay_expecting("processing");
  pass_in_steps(45min);
  EXPECT_EQ(kinds(id), (std::vector<std::string>{"requested", "outcome_unknown", "sent"}));
  sim.faults().clear();
  fault_of_creation({{"do", "status"}, {"status", 403}, {"body", "<html>"}, {"count", 0}});
  pass_in_steps(60min);
  EXPECT_EQ(kinds(id), (std::vector<std::string>{"requested", "outcome_unknown", "sent",
                                                 "outcome_unknown", "sent"}));
  EXPECT_EQ(trail(id)[3]["detail"]["code"], "stripe_gateway_answered");
}

TEST_F(Pace, ALongHistoryKeepsItsBeginningAndItsEnd) {
  const std::string id = pay_expecting("pending");
  sql(
      fmt::format("INSERT INTO payout_events (organization_id, payout_id, id, change, kind, "
                  "status, source, actor,"
                  " occurred_at) SELECT organization_id, id, gen_random_uuid(), 'n' || n, 'n' || "
                  "n, 'paid', 'event',"
                  " 'stripe', '2026-02-01'::timestamptz + n * interval '1 minute'"
                  " FROM payouts, generate_series(1, 1500) AS n WHERE id = '{}'",
                  id));
  const int all = std::stoi(sql("SELECT count(*)::text FROM payout_events"));
  const Json answer = get("/api/payouts/" + id + "/audit-trail");
  EXPECT_EQ(answer["data"].size(), 1'000u);
  EXPECT_EQ(answer["left_out"], all - 1'000);
  EXPECT_EQ(answer["data"][0]["kind"], "requested");
  EXPECT_EQ(answer["data"].back()["kind"], "n1500");
  EXPECT_EQ(get("/api/payouts/" + id)["events_left_out"], all - 1'000);
  const Json timeline = get("/api/payouts/" + id + "/timeline");
  EXPECT_EQ(timeline["left_out"], all - 1'000);
  EXPECT_EQ(timeline["statusHistory"].back()["status"], "paid");
}

}  // namespace
}  // namespace payoutd::payouts
