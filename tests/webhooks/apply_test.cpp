#include <algorithm>
#include <random>

#include "webhooks/event_log.h"
#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Apply : WebhookTest {
  void SetUp() override { serve(); }

  void payout_event(const std::string& id, const std::string& type, const std::string& status,
                    std::int64_t created, const std::string& account = "acct_shop",
                    const std::string& payout = "po_1") {
    ASSERT_EQ(deliver({.id = id,
                       .type = type,
                       .account = account,
                       .created = created,
                       .object = payout_object(payout, status)})
                  .status,
              200);
  }
  std::string status_of(const std::string& payout = "po_1",
                        const std::string& account = "acct_shop") {
    return text("SELECT status FROM payouts WHERE stripe_payout_id = '" + payout +
                "' AND account = '" + account + "'");
  }
};

TEST_F(Apply, MovesAPayoutThroughItsLife) {
  payout_event("evt_1", "payout.created", "pending", kNow - 50);
  payout_event("evt_2", "payout.updated", "in_transit", kNow - 40);
  EXPECT_EQ(apply_all(), 2u);
  EXPECT_EQ(status_of(), "in_transit");
  payout_event("evt_3", "payout.paid", "paid", kNow - 30);
  EXPECT_EQ(apply_all(), 1u);
  EXPECT_EQ(status_of(), "paid");
  EXPECT_EQ(count("inbox_queue"), 0);
  EXPECT_EQ(count("payout_events"), 3);
}

TEST_F(Apply, EndsInOneRowWhateverTheOrderEvenWithinOneSecond) {
  struct Step {
    const char* type;
    const char* status;
  };
  const std::vector<Step> life{{"payout.created", "pending"},
                               {"payout.updated", "in_transit"},
                               {"payout.paid", "paid"},
                               {"payout.failed", "failed"}};
  std::vector<int> order{0, 1, 2, 3};
  int round = 0;
  do {
    const std::string payout = "po_" + std::to_string(round);
    for (const int step : order) {
      const Step& s = life[static_cast<std::size_t>(step)];
      payout_event("evt_" + payout + s.type, s.type, s.status, kNow - 50, "acct_shop", payout);
    }
    ++round;
  } while (std::ranges::next_permutation(order).found);
  apply_all();
  EXPECT_EQ(count("payouts"), 24);
  EXPECT_EQ(count("payouts WHERE status = 'failed'"), 24);
}

TEST_F(Apply, KeepsOneIdOnTwoAccountsApart) {
  payout_event("evt_1", "payout.created", "pending", kNow - 50, "acct_shop");
  payout_event("evt_2", "payout.paid", "paid", kNow - 50, "acct_other");
  apply_all();
  EXPECT_EQ(status_of("po_1", "acct_shop"), "pending");
  EXPECT_EQ(status_of("po_1", "acct_other"), "paid");
  EXPECT_EQ(count("payouts WHERE organization_id = '" + other.str() + "'"), 1);
}

TEST_F(Apply, SetsAPoisonEventAsideAndAppliesTheOthers) {
  payout_event("evt_1", "payout.created", "pending", kNow - 50, "acct_shop", "po_1");
  ASSERT_EQ(deliver({.id = "evt_bad",
                     .type = "payout.created",
                     .account = "acct_shop",
                     .object = poison_object("po_bad")})
                .status,
            200);
  payout_event("evt_2", "payout.created", "pending", kNow - 50, "acct_shop", "po_2");
  apply_all();
  EXPECT_EQ(count("payouts"), 2);
  EXPECT_EQ(count("inbox_failures WHERE event_id = 'evt_bad'"), 1);
  EXPECT_EQ(count("inbox_queue"), 0);
}

TEST_F(Apply, SetsAsideWhatTheDatabaseRefusesAndAppliesTheOthers) {
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("ALTER TABLE payouts ADD CONSTRAINT poison CHECK (stripe_payout_id <> 'po_7')");
    return {};
  });
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    payout_event("evt_" + n, "payout.created", "pending", kNow - 50, "acct_shop", "po_" + n);
  }
  apply_all();
  EXPECT_EQ(count("payouts"), 19);
  EXPECT_EQ(text("SELECT event_id FROM inbox_failures"), "evt_7");
}

TEST_F(Apply, TakesAmountsBeyondThirtyTwoBits) {
  deliver({.type = "payout.created",
           .account = "acct_shop",
           .object = payout_object("po_1", "pending", 123'456'789'012'345)});
  apply_all();
  EXPECT_EQ(text("SELECT amount FROM payouts"), "123456789012345");
}

TEST_F(Apply, ShowsWhatAnAccountMayDo) {
  deliver({.id = "evt_1",
           .type = "account.updated",
           .account = "acct_shop",
           .object = R"({"id":"acct_shop","object":"account","charges_enabled":true,
             "payouts_enabled":true,"details_submitted":true,"default_currency":"eur","country":"DE",
             "requirements":{"currently_due":[]}})"});
  apply_all();
  EXPECT_EQ(count("connected_accounts WHERE stripe_account_id = 'acct_shop' AND payouts_enabled"),
            1);
  deliver({.id = "evt_2",
           .type = "account.application.deauthorized",
           .account = "acct_shop",
           .object = R"({"id":"ca_1","object":"application","name":"Platform"})"});
  apply_all();
  EXPECT_EQ(
      count("connected_accounts WHERE stripe_account_id = 'acct_shop' AND status = 'deauthorized'"),
      1);
}

TEST_F(Apply, NeverTakesAnAccountsWordForAnother) {
  deliver({.type = "account.updated",
           .account = "acct_other",
           .object = R"({"id":"acct_shop","object":"account","charges_enabled":true,
             "payouts_enabled":true,"details_submitted":true})"});
  apply_all();
  EXPECT_EQ(count("connected_accounts WHERE payouts_enabled"), 0);
  EXPECT_EQ(count("inbox_failures"), 1);
}

TEST_F(Apply, WorksOnSeveralThreadsToTheSameEnd) {
  std::mt19937 random(7);
  std::vector<EventText> events;
  for (int p = 0; p < 40; ++p) {
    for (const auto& [type, status, second] :
         {std::tuple{"payout.created", "pending", 0}, std::tuple{"payout.updated", "in_transit", 1},
          std::tuple{"payout.paid", "paid", 2}}) {
      events.push_back({.id = "evt_" + std::to_string(events.size()),
                        .type = type,
                        .account = p % 2 == 0 ? "acct_shop" : "acct_other",
                        .created = kNow - 50 + second,
                        .object = payout_object("po_" + std::to_string(p), status)});
    }
  }
  std::ranges::shuffle(events, random);
  http::Client client(server->port());
  for (const EventText& event : events)
    ASSERT_EQ(client.ask(signed_request(event.text())).status, 200);
  {
    ApplyWorkers workers(db(), all, {.threads = 4, .batch = 7});
    workers.nudge();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (workers.counts().applied < events.size() && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    EXPECT_EQ(workers.counts().applied, events.size());
  }
  EXPECT_EQ(count("payouts WHERE status = 'paid'"), 40);
  EXPECT_EQ(count("payout_events"), 120);
}

TEST_F(Apply, ListsShowsAndReplays) {
  payout_event("evt_ok", "payout.created", "pending", kNow - 50);
  deliver({.id = "evt_bad",
           .type = "payout.created",
           .account = "acct_shop",
           .object = poison_object("po_bad")});
  deliver({.id = "evt_late",
           .type = "payout.created",
           .account = "acct_late",
           .object = payout_object("po_late", "pending")});
  apply_all();
  const auto listed = list_events(db(), {});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 3u);
  const auto failed = list_events(db(), {.state = "failed"});
  ASSERT_EQ(failed->size(), 1u);
  EXPECT_EQ(failed->front().id, "evt_bad");
  EXPECT_FALSE(failed->front().error.empty());
  EXPECT_EQ(find_events(db(), "evt_ok")->front().state, "applied");
  EXPECT_EQ(find_events(db(), "evt_none").error().code, "event_not_found");

  EXPECT_EQ(replay_event(db(), all, {}, "evt_late").error().code, "account_unknown");
  EXPECT_EQ(replay_event(db(), all, {}, "evt_bad").error().code, "event_refused");
}

// Its state in the list and by itself; every copy of it counts.
struct Replay : Apply {
  std::string shown(const std::string& id) {
    const auto found = find_events(db(), id);
    if (!found) return found.error().code;
    std::string text;
    for (const LoggedEvent& event : *found) {
      text += event.state + " of " + (event.organization == other ? "other" : "platform") + ";";
    }
    const auto listed = list_events(db(), {});
    const auto in_list = std::ranges::count(*listed, id, &LoggedEvent::id);
    EXPECT_EQ(in_list, std::ssize(*found));
    for (const LoggedEvent& event : *listed) {
      if (event.id != id || found->size() != 1) continue;
      EXPECT_EQ(event.state, found->front().state);
    }
    return text;
  }
  EventText late(std::int64_t created = kNow) {
    return {.id = "evt_late",
            .type = "payout.created",
            .account = "acct_late",
            .created = created,
            .object = payout_object("po_late", "pending")};
  }
};

TEST_F(Replay, MovesAnEventToTheOrganizationThatItsAccountCameTo) {
  deliver(late());
  EXPECT_EQ(shown("evt_late"), "unknown_account of platform;");
  connect(other, "acct_late");
  const auto replayed = replay_event(db(), all, {}, "evt_late");
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(shown("evt_late"), "applied of other;");
  EXPECT_EQ(text("SELECT organization_id FROM payouts WHERE stripe_payout_id = 'po_late'"),
            other.str());
  ASSERT_TRUE(replay_event(db(), all, {}, "evt_late")) << "and again";
  EXPECT_EQ(shown("evt_late"), "applied of other;");
}

TEST_F(Replay, LeavesOneCopyOfAnEventThatWasDeliveredAgain) {
  deliver(late());
  connect(other, "acct_late");
  serve();  // forgets whom it did not know
  deliver(late());
  EXPECT_EQ(count("inbox WHERE event_id = 'evt_late'"), 2);
  ASSERT_TRUE(replay_event(db(), all, {}, "evt_late"));
  EXPECT_EQ(shown("evt_late"), "applied of other;");
  EXPECT_EQ(count("inbox_queue"), 0);
}

TEST_F(Replay, AppliesWhatLiesOutOfRange) {
  deliver(late(kNow - 40 * 86'400));
  EXPECT_EQ(shown("evt_late"), "out_of_range of platform;");
  connect(other, "acct_late");
  ASSERT_TRUE(replay_event(db(), all, {}, "evt_late"));
  EXPECT_EQ(shown("evt_late"), "applied of other;");
  EXPECT_EQ(count("payouts"), 1);
}

TEST_F(Replay, LeavesOneCopyOfAnEventThatCameOutOfRangeFirst) {
  deliver(late(kNow + 3 * 86'400));
  clock.advance(std::chrono::days(2));
  deliver(late(kNow + 3 * 86'400));
  EXPECT_EQ(shown("evt_late"), "out_of_range of platform;unknown_account of platform;");
  connect(other, "acct_late");
  ASSERT_TRUE(replay_event(db(), all, {}, "evt_late"));
  EXPECT_EQ(shown("evt_late"), "applied of other;");
}

TEST_F(Replay, RefusesAnEventOfTheOtherMode) {
  serve({.livemode = false});
  deliver({.id = "evt_live",
           .type = "payout.created",
           .account = "acct_shop",
           .livemode = true,
           .object = payout_object("po_live", "pending")});
  EXPECT_EQ(shown("evt_live"), "other_mode of platform;");
  for (const std::optional<bool> key : {std::optional<bool>(false), std::optional<bool>()}) {
    const auto refused = replay_event(db(), all, key, "evt_live");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "event_of_other_mode");
    EXPECT_EQ(refused.error().kind, Kind::refused);
  }
  EXPECT_EQ(count("payouts"), 0);
  EXPECT_EQ(shown("evt_live"), "other_mode of platform;");
}

TEST_F(Replay, ClearsTheFailureOfAnEventThatCanBeAppliedByNow) {
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("ALTER TABLE payouts ADD CONSTRAINT poison CHECK (stripe_payout_id <> 'po_7')");
    return {};
  });
  payout_event("evt_7", "payout.created", "pending", kNow - 50, "acct_shop", "po_7");
  apply_all();
  EXPECT_EQ(shown("evt_7"), "failed of platform;");
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("ALTER TABLE payouts DROP CONSTRAINT poison");
    return {};
  });
  ASSERT_TRUE(replay_event(db(), all, {}, "evt_7"));
  EXPECT_EQ(shown("evt_7"), "applied of platform;");
  EXPECT_EQ(count("inbox_failures"), 0);
}

}  // namespace
}  // namespace payoutd::webhooks
