// The inbox's partitions.
#include "webhooks/weeks.h"

#include <barrier>
#include <functional>
#include <thread>

#include "webhooks/weeks_store.h"
#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Weeks : WebhookTest {};

TEST_F(Weeks, AreMadeOnceByTwoThatNeedThemAtTheSameTime) {
  constexpr int kWeeks = 25;
  std::barrier start(2);
  const auto make_all = [&] {
    for (int week = 0; week < kWeeks; ++week) {
      const Time day = from_unix(kNow) + std::chrono::days{7 * week};
      start.arrive_and_wait();
      EXPECT_NO_THROW((void)db().transact([&](pg::Tx& tx) -> Result<void> {
        weeks_store::ensure(tx, day);
        return {};
      }));
    }
  };
  {
    const std::jthread first(make_all);
    const std::jthread second(make_all);
  }
  EXPECT_EQ(count("pg_inherits WHERE inhparent = 'inbox'::regclass"), kWeeks);
}

TEST_F(Weeks, DropsWeeksThatEndedThirtyDaysAgo) {
  serve();
  deliver({.id = "evt_1",
           .type = "payout.created",
           .account = "acct_shop",
           .created = kNow - 50,
           .object = payout_object("po_1", "pending")});
  EXPECT_EQ(*drop_old_weeks(db(), from_unix(kNow + 60 * 86'400)), 0) << "it waits to be applied";
  apply_all();
  EXPECT_EQ(*drop_old_weeks(db(), from_unix(kNow + 29 * 86'400)), 0);
  EXPECT_EQ(*drop_old_weeks(db(), from_unix(kNow + 60 * 86'400)), 1);
  EXPECT_EQ(count("inbox"), 0);
  EXPECT_EQ(count("payouts"), 1);
  clock.advance(std::chrono::days(60));
  EXPECT_EQ(deliver({.id = "evt_2"}).status, 200);
  EXPECT_EQ(count("inbox_set_aside"), 1)
      << "what comes for a week that may be gone is kept elsewhere";
}

TEST_F(Weeks, AreMadeAhead) {
  make_weeks(db(), from_unix(kNow));
  EXPECT_EQ(count("pg_inherits WHERE inhparent = 'inbox'::regclass"), 7);
  for (const int day : {-30, -7, 0, 2, 7, 14}) {
    const std::string at = "to_timestamp(" + std::to_string(kNow + day * 86'400) + ")";
    EXPECT_EQ(text("SELECT to_regclass('inbox_' || to_char(date_trunc('week', " + at +
                   " AT TIME ZONE 'UTC'), 'YYYYMMDD')) IS NOT NULL"),
              "true")
        << day;
  }
}

TEST_F(Weeks, AreTheInboxsOwnHoweverTheyWereMade) {
  make_weeks(db(), from_unix(kNow));
  EXPECT_EQ(text("SELECT string_agg(DISTINCT reloptions::text, ' ') FROM pg_class c"
                 " JOIN pg_inherits h ON h.inhrelid = c.oid WHERE h.inhparent = 'inbox'::regclass"),
            "{toast_tuple_target=8160}");
  EXPECT_EQ(count("pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid"
                  " WHERE h.inhparent = 'inbox_pkey'::regclass"),
            7);
}

// A dump holds ACCESS SHARE on everything for as long as it takes.
struct BesideADump : Weeks {
  void beside_a_dump(const std::function<void()>& meanwhile) {
    (void)another(1)->transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("LOCK TABLE inbox IN ACCESS SHARE MODE");
      const std::jthread other(meanwhile);
      return {};
    });
  }
  int delivered(const std::string& id, std::int64_t created) {
    return deliver({.id = id, .created = created, .object = payout_object("po_1", "pending")})
        .status;
  }
};

TEST_F(BesideADump, AnEventOfANewWeekIsStored) {
  serve();
  EXPECT_EQ(delivered("evt_known", kNow), 200);
  beside_a_dump([&] {
    EXPECT_EQ(delivered("evt_new", kNow - 14 * 86'400), 200);
    EXPECT_EQ(delivered("evt_known_2", kNow), 200);
    make_weeks(db(), from_unix(kNow));
  });
  EXPECT_EQ(count("inbox"), 3);
}

TEST_F(BesideADump, OldWeeksStayAndNoDeliveryWaits) {
  serve();
  EXPECT_EQ(delivered("evt_1", kNow), 200);
  apply_all();
  beside_a_dump([&] {
    const std::jthread dropping(
        [&] { EXPECT_EQ(*drop_old_weeks(db(), from_unix(kNow + 60 * 86'400)), 0); });
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(delivered("evt_during_" + std::to_string(i), kNow), 200) << i;
    }
  });
  apply_all();
  EXPECT_EQ(*drop_old_weeks(db(), from_unix(kNow + 60 * 86'400)), 1);
}

TEST_F(Weeks, ThatCanNotBeMadeRefuseTheirOwnEventsOnly) {
  serve();
  EXPECT_EQ(deliver({.id = "evt_known"}).status, 200);
  // As ANALYZE does, and whatever else makes a week.
  (void)another(1)->transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("LOCK TABLE ONLY inbox IN SHARE UPDATE EXCLUSIVE MODE");
    const std::jthread other([&] {
      EXPECT_EQ(deliver({.id = "evt_new", .created = kNow - 14 * 86'400}).status, 503);
      EXPECT_EQ(deliver({.id = "evt_known_2"}).status, 200);
    });
    return {};
  });
  EXPECT_EQ(deliver({.id = "evt_new", .created = kNow - 14 * 86'400}).status, 200);
  EXPECT_EQ(count("inbox"), 3);
}

}  // namespace
}  // namespace payoutd::webhooks
