// The rollups against the rows, whoever changed those: appliers side by side, repairs, a hand in
// psql.
#include <atomic>
#include <thread>

#include "mirror/balance_transactions.h"
#include "pg/migrate.h"
#include "reports/world.h"

namespace payoutd::reports {
namespace {

constexpr const char* kAccount = "acct_1RollupDemo0001";

struct Rollups : ReportsTest {
  Rollups() : ReportsTest(sim::Demo::none) { connect(platform, kAccount); }

  // Row `i` of a busy quarter of an hour; every tenth has an application fee, every seventh taxes.
  static std::string transaction(int i, const Json& changes = Json::object()) {
    Json details = Json::array({{{"amount", 30}, {"type", "stripe_fee"}, {"currency", "eur"}}});
    if (i % 10 == 0)
      details.push_back({{"amount", 70}, {"type", "application_fee"}, {"currency", "eur"}});
    if (i % 7 == 0) details.push_back({{"amount", 6}, {"type", "tax"}, {"currency", "eur"}});
    if (i % 11 == 0) details = Json::array();
    if (i % 13 == 0)
      details = Json::array({{{"amount", 5}, {"type", "invented_fee"}, {"currency", "eur"}}});
    std::int64_t fee = 0;
    for (const Json& detail : details) fee += detail["amount"].get<std::int64_t>();
    Json row{{"id", fmt::format("txn_{:06}", i)},
             {"object", "balance_transaction"},
             {"amount", 1'000 + i},
             {"fee", fee},
             {"net", 1'000 + i - fee},
             {"currency", i % 3 == 0 ? "jpy" : "eur"},
             {"type", i % 5 == 0 ? "payment" : "charge"},
             {"reporting_category", "charge"},
             {"status", "pending"},
             {"balance_type", i % 97 == 0 ? "issuing" : "payments"},
             {"source", fmt::format("ch_{}", i)},
             {"description", nullptr},
             {"available_on", kMondayNoon + 86'400},
             {"created", kMondayNoon - i % 4'000},
             {"exchange_rate", nullptr},
             {"fee_details", details}};
    row.update(changes);
    return row.dump();
  }

  void apply(pg::Database& on, const std::vector<std::string>& texts,
             std::int64_t shown_at = kMondayNoon) {
    const auto applied = on.transact([&](pg::Tx& tx) -> Result<mirror::Applied> {
      std::vector<mirror::Version> versions;
      for (const std::string& text : texts) {
        versions.push_back({.organization = platform,
                            .account = kAccount,
                            .object = text,
                            .shown_at = from_unix(shown_at)});
      }
      return mirror::apply(tx, appliers, versions);
    });
    ASSERT_TRUE(applied.ok());
    for (const auto& verdict : applied->verdicts) EXPECT_EQ(verdict.error, "");
  }
  void apply(int first, int last) {
    std::vector<std::string> texts;
    for (int i = first; i < last; ++i) texts.push_back(transaction(i));
    apply(db(), texts);
  }

  void run(const std::string& statement) {
    const auto done = db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(statement);
      return {};
    });
    ASSERT_TRUE(done.ok());
  }
  // Every row of the rollups, and where it lies: another text after any write.
  std::string stored() {
    const auto text = db().transact([&](pg::Tx& tx) -> Result<std::string> {
      return tx
          .exec_unnamed(
              "SELECT string_agg(t::text || ctid::text, ',' ORDER BY t::text) FROM balance_rollups "
              "t")
          .one()
          .get<std::string>(0);
    });
    return *text;
  }
};

TEST_F(Rollups, AreTheSumsOfTheRows) {
  apply(0, 1'000);
  EXPECT_EQ(different_rollups(), 0);
  EXPECT_EQ(number("SELECT sum(rows) FROM balance_rollups WHERE whole_day"),
            1'000 - 11);  // issuing is not in them
  EXPECT_EQ(number("SELECT sum(fee_other) FROM balance_rollups WHERE NOT whole_day"),
            number("SELECT 5 * count(*) FROM balance_transactions WHERE fee_details @> "
                   "'[{\"type\": \"invented_fee\"}]'"
                   " AND balance_type = 'payments'"));
  EXPECT_EQ(number("SELECT count(*) FROM balance_rollups WHERE part <> 0"), 0);  // alone: one part
}

TEST_F(Rollups, OfParallelAppliersAreEqualAndNobodyWaits) {
  constexpr int kThreads = 8, kBatches = 15, kRows = 60;
  const auto pool = another(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int batch = 0; batch < kBatches; ++batch) {
        std::vector<std::string> texts;
        // The last ten rows of each batch are the first ten of another thread's.
        for (int i = 0; i < kRows + 10; ++i) {
          texts.push_back(transaction(((thread * kBatches + batch) * kRows + i) %
                                      (kThreads * kBatches * kRows)));
        }
        apply(*pool, texts);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions"), kThreads * kBatches * kRows);
  EXPECT_EQ(different_rollups(), 0);
  EXPECT_LE(number("SELECT max(part) FROM balance_rollups"), kThreads - 1);
  EXPECT_EQ(pool->state().conflicts, 0);
}

TEST_F(Rollups, TwoTransactionsAddToOneQuarterWithoutWaiting) {
  apply(0, 10);
  const auto second = another(2);
  const auto outer = db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed(
        "UPDATE balance_transactions SET amount = amount + 1, net = net + 1 WHERE stripe_id = "
        "'txn_000001'");
    // While that is not committed, another changes the same sums; it would wait for ten seconds and
    // fail.
    std::thread other([&] { apply(*second, {transaction(4'001)}); });
    other.join();
    return {};
  });
  ASSERT_TRUE(outer.ok());
  EXPECT_EQ(different_rollups(), 0);
}

TEST_F(Rollups, FollowUpdatesAndDeletes) {
  apply(0, 500);
  run("UPDATE balance_transactions SET amount = amount * 2, net = net + amount WHERE stripe_id < "
      "'txn_000100'");
  EXPECT_EQ(different_rollups(), 0);
  run("UPDATE balance_transactions SET created = created - interval '40 days', currency = 'kwd' "
      "WHERE stripe_id > 'txn_000450'");
  EXPECT_EQ(different_rollups(), 0);
  run("UPDATE balance_transactions SET reporting_category = 'dispute', fee_details = '[{\"type\": "
      "\"tax\", \"amount\": 9}]', fee = 9"
      " WHERE stripe_id BETWEEN 'txn_000200' AND 'txn_000210'");
  EXPECT_EQ(different_rollups(), 0);
  run("UPDATE balance_transactions SET balance_type = CASE balance_type WHEN 'issuing' THEN "
      "'payments' ELSE 'issuing' END"
      " WHERE stripe_id < 'txn_000200'");
  EXPECT_EQ(different_rollups(), 0);
  const auto removed = db().transact([&](pg::Tx& tx) -> Result<std::size_t> {
    return mirror::remove_balance_transactions(tx, platform, kAccount,
                                               {"txn_000300", "txn_000301", "txn_000499"});
  });
  EXPECT_EQ(*removed, 3u);
  EXPECT_EQ(different_rollups(), 0);
  run("DELETE FROM balance_transactions");
  EXPECT_EQ(number("SELECT coalesce(sum(abs(rows)), 0) FROM balance_rollups"), 0);
  apply(0, 50);
  run("TRUNCATE balance_transactions");
  EXPECT_EQ(number("SELECT count(*) FROM balance_rollups"), 0);
}

TEST_F(Rollups, AreNotWrittenWhereNoSumChanges) {
  apply(0, 200);
  const std::string before = stored();
  std::vector<std::string> available;
  for (int i = 0; i < 200; ++i) available.push_back(transaction(i, {{"status", "available"}}));
  apply(db(), available, kMondayNoon + 90'000);
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions WHERE status = 'available'"), 200);
  run("UPDATE balance_transactions SET payout_id = 'po_1'");
  EXPECT_EQ(stored(), before);
}

TEST_F(Rollups, ARolledBackTransactionLeavesNothing) {
  apply(0, 20);
  const std::string before = stored();
  const auto undone = db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("DELETE FROM balance_transactions");
    return Error{Kind::refused, "changed_my_mind", "rolled back"};
  });
  EXPECT_FALSE(undone.ok());
  EXPECT_EQ(stored(), before);
}

TEST_F(Rollups, CanBeMadeAnewFromTheRows) {
  apply(0, 300);
  run("UPDATE balance_rollups SET amount = amount + 1; DELETE FROM balance_rollups WHERE "
      "whole_day");
  EXPECT_GT(different_rollups(), 0);
  run("SELECT rebuild_balance_rollups()");
  EXPECT_EQ(different_rollups(), 0);
}

TEST_F(Rollups, AreMadeAnewBesideTheirWriters) {
  apply(0, 300);
  run("UPDATE balance_rollups SET amount = amount + 1; DELETE FROM balance_rollups WHERE "
      "whole_day");
  const auto writer = another();
  const auto rebuilder = another();
  // The writer is in the middle of its transaction, and neither waits for the other.
  const auto written = writer->transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("UPDATE balance_transactions SET amount = amount - 1, net = net - 1");
    return rebuilder->transact([&](pg::Tx& other) -> Result<void> {
      other.exec_unnamed("SET LOCAL lock_timeout = '1s'; SELECT rebuild_balance_rollups()");
      return {};
    });
  });
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(different_rollups(), 0);
}

TEST_F(Rollups, AreMadeAnewByAccountAndDay) {
  apply(0, 300);
  run("UPDATE balance_rollups SET amount = amount + 1");
  const std::string of =
      fmt::format("SELECT rebuild_balance_rollups('{}', '{}'", platform.str(), kAccount);
  EXPECT_EQ(number(of + ", '2000-01-01', '2000-01-02')"), 0);
  EXPECT_GT(different_rollups(), 0);
  EXPECT_GT(number(of + ")"), 0);
  EXPECT_EQ(different_rollups(), 0);
  EXPECT_EQ(number(of + ")"), 0);
  run("DELETE FROM balance_transactions");
  EXPECT_EQ(different_rollups(), 0);
}

TEST_F(Rollups, OfADatabaseThatHoldsDataAreFilledByTheMigration) {
  apply(0, 400);
  const std::string name = support::create_database(false);
  const Secret url = support::server().url(name);
  std::vector<pg::Migration> before;
  for (const pg::Migration& migration : pg::migrations()) {
    if (migration.number < 7) before.push_back(migration);
  }
  ASSERT_TRUE(pg::migrate({.url = url, .migrations = &before}).ok());
  {
    pg::Database old({.url = url, .max_connections = 2});
    const auto filled = old.transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("INSERT INTO organizations (id, name) VALUES ('" + platform.str() +
                      "', 'Old')");
      return {};
    });
    ASSERT_TRUE(filled.ok());
    std::vector<std::string> texts;
    for (int i = 0; i < 400; ++i) texts.push_back(transaction(i));
    apply(old, texts);
    ASSERT_TRUE(pg::migrate({.url = url}).ok());
    const auto different = old.read([&](pg::Tx& tx) -> Result<std::int64_t> {
      return tx.exec_unnamed(kDifferentRollups).one().get<std::int64_t>(0);
    });
    EXPECT_EQ(*different, 0);
    const auto rows = old.read([&](pg::Tx& tx) -> Result<std::int64_t> {
      return tx.exec_unnamed("SELECT sum(rows) FROM balance_rollups WHERE whole_day")
          .one()
          .get<std::int64_t>(0);
    });
    EXPECT_EQ(*rows, 400 - 5);
  }
  support::drop_database(name);
}

struct SyncedRollups : ReportsTest {};

TEST_F(SyncedRollups, EqualTheRowsAfterSyncsInParallelAndARepair) {
  expect_succeeded(sync());
  EXPECT_EQ(different_rollups(), 0);
  ASSERT_TRUE(sim.activity(sim.platform(), {{"charges", 20}, {"refunds", 3}}).ok());
  wait(std::chrono::hours(30));
  const auto done = db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed(
        "UPDATE balance_transactions SET amount = amount + 7, net = net + 7"
        " WHERE stripe_id IN (SELECT stripe_id FROM balance_transactions ORDER BY stripe_id LIMIT "
        "5)");
    tx.exec_unnamed(
        "DELETE FROM balance_transactions"
        " WHERE stripe_id IN (SELECT stripe_id FROM balance_transactions ORDER BY stripe_id DESC "
        "LIMIT 5)");
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(different_rollups(), 0);
  expect_succeeded(sync({.repair = true}));
  expect_whole();
  EXPECT_EQ(different_rollups(), 0);
}

}  // namespace
}  // namespace payoutd::reports
