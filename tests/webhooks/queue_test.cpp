// The queue between the inbox and the tables: the cost of a take, and where the queue begins.
#include <algorithm>
#include <thread>

#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Queue : WebhookTest {
  void SetUp() override {
    run("ALTER TABLE inbox_queue SET (autovacuum_enabled = false)");
    run("SELECT inbox_ensure_week(DATE '2025-10-09')");
  }

  void run(const std::string& sql) {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
  }
  // Queues `n` events in one transaction; their bodies only where `stored`.
  void queue(const std::string& prefix, int n, bool stored = false) {
    const std::string from = " FROM generate_series(1, " + std::to_string(n) + ") AS i";
    const std::string key = "'" + platform.str() + "', '" + prefix + "' || i, to_timestamp(" +
                            std::to_string(kNow) + ")";
    if (stored) {
      run("INSERT INTO inbox (organization_id, event_id, created, account, type, livemode,"
          " disposition, body) SELECT " +
          key + ", 'acct_shop', 'payout.paid', false, 'apply', '{}'" + from);
    }
    run("INSERT INTO inbox_queue (organization_id, event_id, created) SELECT " + key + from);
  }
  std::vector<std::string> take(QueueHead& head, int limit) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
      head = queue_store::head(tx, head);
      std::vector<std::string> ids;
      for (const StoredEvent& event : queue_store::take(tx, head, limit)) ids.push_back(event.id);
      return ids;
    });
  }

  // What the very statement reads, as pages, and how: EXPLAIN's text.
  struct Explained {
    std::string plan;
    std::int64_t pages = 0;
  };
  Explained explain(const std::string& name, const QueueHead& head, const std::string& mode,
                    int limit) {
    const auto found = std::ranges::find(pg::Query::all(), name, &pg::Query::name);
    const std::string prepare = "PREPARE explained AS " + std::string((*found)->sql);
    std::string given = std::to_string(head.xid) + ", '" + head.event_id + "', '{}'";
    if (name == "inbox_queue_take") given += ", " + std::to_string(limit);
    Explained explained;
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      queue_store::plan_by_index(tx);
      tx.exec_unnamed("SET LOCAL plan_cache_mode = " + mode);
      tx.exec_unnamed(prepare);
      const auto rows = tx.exec_unnamed(
          "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE explained(" + given + ")");
      tx.exec_unnamed("DEALLOCATE explained");
      for (const pg::Row row : rows) explained.plan += row.get<std::string>(0) + "\n";
      explained.pages = pages_of(explained.plan);
      return Error{Kind::refused, "explained", "nothing is to be taken"};
    });
    return explained;
  }
  // The first "shared hit=… read=…" is the whole statement's.
  static std::int64_t pages_of(const std::string& plan) {
    std::int64_t pages = 0;
    const auto line = plan.substr(plan.find("Buffers: shared"), 120);
    for (const std::string word : {"hit=", "read="}) {
      const auto at = line.substr(0, line.find('\n')).find(word);
      if (at != std::string::npos) pages += std::stoll(line.substr(at + word.size()));
    }
    return pages;
  }
};

TEST_F(Queue, IsTakenAtOneCostHoweverManyRowsAreDeadOrWait) {
  QueueHead head;
  queue("evt_first_", 100, true);
  EXPECT_EQ(take(head, 100).size(), 100u);
  // What a connection planned while the queue was short must not be what it does when it is long.
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(take(head, 100).empty());
  for (int i = 0; i < 20; ++i) queue("evt_dead_" + std::to_string(i) + "_", 10'000);
  run("DELETE FROM inbox_queue");
  for (int i = 0; i < 100; ++i) queue("evt_wait_" + std::to_string(i) + "_", 10'000);
  queue("evt_live_", 1'000, true);

  EXPECT_TRUE(take(head, 0).empty());  // steps over what is dead, once
  for (const char* mode : {"force_generic_plan", "auto"}) {
    const auto look = explain("inbox_queue_head", head, mode, 0);
    EXPECT_LT(look.pages, 100) << look.plan;
    const auto taken = explain("inbox_queue_take", head, mode, 100);
    EXPECT_LT(taken.pages, 2'000) << taken.plan;
    EXPECT_FALSE(taken.plan.contains("Seq Scan")) << taken.plan;
    EXPECT_FALSE(taken.plan.contains("Hash Join")) << taken.plan;
    EXPECT_FALSE(taken.plan.contains("Sort")) << taken.plan;
  }
}

TEST_F(Queue, ReadsBodiesByTheirKeyThoughTheirWeekWasEmptyWhenThePlanWasMade) {
  queue("evt_", 2'000, true);
  const auto taken = explain("inbox_queue_take", {}, "force_generic_plan", 200);
  // By the key, or by the index of the newest, which finds one event as well.
  EXPECT_TRUE(taken.plan.contains("_pkey on inbox_2025") ||
              taken.plan.contains("_created_event_id_idx on inbox_2025"))
      << taken.plan;
  EXPECT_FALSE(taken.plan.contains("Rows Removed by Filter")) << taken.plan;
}

TEST_F(Queue, BeginsBeforeNothingThatIsStillOpen) {
  queue("evt_taken_", 1, true);
  QueueHead head;
  EXPECT_EQ(take(head, 10), std::vector<std::string>{"evt_taken_1"});
  std::int64_t slow_xid = 0;
  const auto slow = another(1);
  (void)slow->transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed(
        "INSERT INTO inbox (organization_id, event_id, created, account, type, livemode,"
        " disposition, body) VALUES ('" +
        platform.str() + "', 'evt_slow', to_timestamp(" + std::to_string(kNow) +
        "), 'acct_shop', 'payout.paid', false, 'apply', '{}')");
    tx.exec_unnamed(
        "INSERT INTO inbox_queue (organization_id, event_id, created) SELECT "
        "organization_id, event_id, created FROM inbox WHERE event_id = 'evt_slow'");
    slow_xid = tx.exec_unnamed("SELECT pg_current_xact_id()::text::bigint AS xid")
                   .one()
                   .get<std::int64_t>("xid");
    // Others that began later commit, are taken, and the head passes the one that is open.
    const std::jthread others([&] {
      for (int i = 0; i < 5; ++i) {
        queue("evt_fast_" + std::to_string(i) + "_", 1, true);
        EXPECT_EQ(take(head, 10).size(), 1u);
      }
      EXPECT_TRUE(take(head, 10).empty());
    });
    return {};
  });
  EXPECT_GT(head.xid, slow_xid);
  EXPECT_EQ(std::ranges::count(head.open, slow_xid), 1);
  EXPECT_EQ(take(head, 10), std::vector<std::string>{"evt_slow"});
  EXPECT_TRUE(take(head, 10).empty());
  EXPECT_EQ(std::ranges::count(head.open, slow_xid), 0)
      << "what was taken of it is dead, and not looked at again";
}

TEST_F(Queue, MovesOnThoughAnotherTransactionStaysOpenForLong) {
  const auto foreign = another(1);
  (void)foreign->transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("SELECT pg_current_xact_id()");
    const std::jthread others([&] {
      QueueHead head;
      for (int i = 0; i < 20; ++i) {
        queue("evt_" + std::to_string(i) + "_", 1'000, true);
        EXPECT_EQ(take(head, 1'000).size(), 1'000u);
      }
      queue("evt_last_", 10, true);
      EXPECT_TRUE(take(head, 0).empty());
      const auto taken = explain("inbox_queue_take", head, "force_generic_plan", 10);
      EXPECT_LT(taken.pages, 400) << taken.plan;
    });
    return {};
  });
}

TEST_F(Queue, ForgetsNoneThatAnotherWorkerGivesBack) {
  queue("evt_", 20, true);
  QueueHead head;
  const auto other_worker = another(1);
  (void)other_worker->transact([&](pg::Tx& tx) -> Result<void> {
    QueueHead theirs;
    theirs = queue_store::head(tx, theirs);
    EXPECT_EQ(queue_store::take(tx, theirs, 10).size(), 10u);
    const std::jthread others([&] {
      EXPECT_EQ(take(head, 10).size(), 10u);
      EXPECT_TRUE(take(head, 10).empty()) << "the rest is another's";
    });
    return Error{Kind::refused, "gave_up", "all goes back"};
  });
  EXPECT_EQ(take(head, 20).size(), 10u);
}

TEST_F(Queue, IsLookedAtFromTheBeginningWhenTheDatabaseWentBackInTime) {
  queue("evt_", 3, true);
  QueueHead head{.xid = std::int64_t{1} << 60, .event_id = "evt_9", .open = {}};
  EXPECT_EQ(take(head, 10).size(), 3u);
}

TEST_F(Queue, IsCountedToALimit) {
  queue("evt_", queue_store::kCountedTo + 100);
  run("UPDATE inbox_queue SET queued_at = now() - interval '1 hour' WHERE event_id = 'evt_1'");
  ApplyWorkers workers(db(), all, {.threads = 0});
  const auto read =
      db().read([&](pg::Tx& tx) -> Result<QueueBacklog> { return workers.backlog(tx); });
  ASSERT_TRUE(read);
  const QueueBacklog& backlog = *read;
  EXPECT_EQ(backlog.waiting, queue_store::kCountedTo);
  EXPECT_GE(backlog.oldest_seconds, 3'600);
}

}  // namespace
}  // namespace payoutd::webhooks
