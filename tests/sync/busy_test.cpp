// A database that is busy, and not away: locks, timeouts, a full disk. No row pays for it.

#include <algorithm>
#include <future>
#include <set>
#include <thread>

#include "sync/world.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct BusyDatabase : SyncTest {
  // With a lock timeout that a test can wait for.
  std::unique_ptr<pg::Database> impatient() {
    return std::make_unique<pg::Database>(
        pg::Database::Options{.url = url(), .lock_timeout_ms = 100});
  }
  // The times at which statements began that wait for a lock now.
  std::string waiting_since() {
    return text(
        "SELECT coalesce(string_agg(query_start::text, ' '), '') FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'");
  }
  static bool not_succeeded(const std::vector<RunRecord>& runs) {
    return std::ranges::any_of(runs, [](const RunRecord& run) {
      return run.status == "failed" || run.status == "partial";
    });
  }
};

// What another session locks until it is let go.
class Lock {
 public:
  Lock(pg::Database& db, const std::string& statement)
      : thread_([this, &db, statement] {
          const auto held = db.transact([&](pg::Tx& tx) -> Result<void> {
            tx.exec_unnamed(statement);
            locked_.set_value();
            released_.get_future().wait();
            return {};
          });
          CHECK(held.ok());
        }) {
    locked_.get_future().wait();
  }
  ~Lock() { release(); }
  void release() {
    if (!thread_.joinable()) return;
    released_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> locked_, released_;
  std::thread thread_;
};

TEST_F(BusyDatabase, RowsThatAreLockedForLongerThanTheTimeoutAreStoredAfterIt) {
  const auto own = impatient();
  Lock lock(db(), "LOCK TABLE balance_transactions IN SHARE ROW EXCLUSIVE MODE");
  auto running = std::async(std::launch::async, [&] { return sync(*own, *client); });
  // Two statements that waited one after the other: the first was refused.
  std::set<std::string> waited;
  while (waited.size() < 4 && running.wait_for(1ms) != std::future_status::ready) {
    if (const std::string since = waiting_since(); !since.empty()) waited.insert(since);
  }
  lock.release();
  const auto runs = running.get();
  EXPECT_EQ(waited.size(), 4u);
  expect_succeeded(runs);
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) EXPECT_EQ(stream.counts.refused, 0);
  }
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(BusyDatabase, ALockThatOutlastsThePatienceEndsARunThatHasNotSucceeded) {
  const auto own = impatient();
  Lock lock(db(), "LOCK TABLE balance_transactions IN SHARE ROW EXCLUSIVE MODE");
  const auto runs = sync(*own, *client, {}, 300ms);
  EXPECT_TRUE(not_succeeded(runs));
  const StreamRecord* rows = stream_of(runs, sim.platform(), kBalanceTransactions);
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->status, "failed");
  EXPECT_EQ(rows->counts.refused, 0);
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions"), 0);
  EXPECT_GT(number("SELECT count(*) FROM sync_ranges WHERE stream = 'balance_transactions'"), 0);
  lock.release();
  expect_succeeded(sync());
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(BusyDatabase, OneLockedRowIsWaitedForToo) {
  expect_succeeded(sync());
  // Pending rows are listed again when their day has come, and then change.
  wait(std::chrono::days(10));
  const auto own = impatient();
  Lock lock(db(),
            "SELECT 1 FROM balance_transactions WHERE status = 'pending' ORDER BY created LIMIT 1"
            " FOR UPDATE");
  auto running = std::async(std::launch::async, [&] { return sync(*own, *client); });
  std::set<std::string> waited;
  while (waited.size() < 4 && running.wait_for(1ms) != std::future_status::ready) {
    if (const std::string since = waiting_since(); !since.empty()) waited.insert(since);
  }
  lock.release();
  const auto runs = running.get();
  EXPECT_EQ(waited.size(), 4u);
  expect_succeeded(runs);
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(BusyDatabase, AFullDiskRefusesNoRow) {
  // A sequence counts also what is rolled back: the disk is full for the first six statements.
  execute(R"sql(
  CREATE SEQUENCE tries;
  CREATE FUNCTION full_for_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF nextval('tries') <= 6 THEN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER full_for_a_while BEFORE INSERT ON balance_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION full_for_a_while())sql");
  const auto runs = sync();
  EXPECT_GT(number("SELECT last_value FROM tries"), 6);
  expect_succeeded(runs);
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) EXPECT_EQ(stream.counts.refused, 0);
  }
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

}  // namespace
}  // namespace payoutd::sync
