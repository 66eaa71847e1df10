#include "jobs/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <set>

#include "queue_test_base.h"

namespace payoutd::jobs {
namespace {

using std::chrono::milliseconds;

struct WorkerTest : QueueTest {
  WorkerTest() : clock(kMorning) {}

  // A worker that polls quickly and runs `work` by `run`.
  std::unique_ptr<Worker> worker(std::function<Result<void>(jobs::Run&)> run,
                                 WorkerOptions options = {}) {
    if (options.poll == WorkerOptions{}.poll) options.poll = milliseconds{50};
    std::vector<Handler> handlers{{"work", std::move(run)}};
    return std::make_unique<Worker>(db(), clock, std::move(handlers), options);
  }
  bool empty() { return text("SELECT count(*)::text FROM jobs") == "0"; }

  ManualClock clock;
};

TEST_F(WorkerTest, RunsAJobAndItIsGone) {
  std::atomic<int> ran = 0;
  const OrgId org = OrgId::make();
  const auto worker_ = worker([&](jobs::Run& run) -> Result<void> {
    EXPECT_EQ(run.payload().at("n"), 7);
    EXPECT_EQ(run.organization(), org);
    EXPECT_EQ(run.attempt(), 1);
    EXPECT_FALSE(run.last_attempt());
    EXPECT_TRUE(run.holds_lease());
    ++ran;
    return {};
  });
  add({.kind = "work", .organization = org, .payload = {{"n", 7}}});
  EXPECT_TRUE(comes_true([&] { return empty(); }));
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(comes_true([&] { return worker_->counters().done == 1; }));
  EXPECT_TRUE(worker_->stop());
}

TEST_F(WorkerTest, TriesAgainOnlyWhatMayWorkLater) {
  std::atomic<int> ran = 0;
  const auto worker_ = worker([&](jobs::Run& run) -> Result<void> {
    ++ran;
    if (run.payload().at("how") == "retry" && run.attempt() < 3) {
      return Error{Kind::retry, "busy", "not now"};
    }
    if (run.payload().at("how") == "lost" && run.attempt() < 3) throw pg::Lost("gone");
    return {};
  });
  for (const char* how : {"retry", "lost"}) {
    const int before = ran;
    add({.kind = "work", .payload = {{"how", how}}});
    // The business clock stands still, so it waits until that is moved.
    for (int attempt = 1; attempt < 3; ++attempt) {
      ASSERT_TRUE(comes_true([&] { return ran - before == attempt && counts().scheduled == 1; }));
      clock.advance(std::chrono::hours{2});
      worker_->wake();
    }
    EXPECT_TRUE(comes_true([&] { return empty(); })) << how;
    EXPECT_EQ(ran - before, 3);
  }
}

TEST_F(WorkerTest, TheHandlerMaySayWhenToTryAgain) {
  const auto worker_ = worker([&](jobs::Run& run) -> Result<void> {
    run.retry_after(std::chrono::minutes{20});
    return Error{Kind::retry, "limited", "Stripe asks for 20 minutes"};
  });
  add({.kind = "work"});
  ASSERT_TRUE(comes_true([&] { return counts().scheduled == 1; }));
  EXPECT_EQ(text("SELECT (run_at = '2026-03-02T08:20:00Z')::text FROM jobs"), "true");
}

TEST_F(WorkerTest, GivesUpWhatIsRefusedOrBroken) {
  const auto worker_ = worker([](jobs::Run& run) -> Result<void> {
    const std::string how = run.payload().at("how");
    if (how == "refused") return Error{Kind::refused, "closed", "the account is closed"};
    if (how == "broken") CHECK(how.empty());
    if (how == "thrown") throw std::out_of_range("no such index");
    return {};
  });
  for (const char* how : {"refused", "broken", "thrown"}) {
    add({.kind = "work", .payload = {{"how", how}}});
  }
  add({.kind = "work"});  // its payload lacks what the handler reads
  ASSERT_TRUE(comes_true([&] { return counts().dead == 4; }));
  std::set<std::string> errors;
  for (const DeadJob& job : dead()) errors.insert(job.error.substr(0, 6));
  EXPECT_TRUE(errors.contains("closed"));
  EXPECT_TRUE(errors.contains("no suc"));
  add({.kind = "work", .payload = {{"how", "fine"}}});
  EXPECT_TRUE(comes_true([&] { return worker_->counters().done == 1; }));
  EXPECT_EQ(worker_->counters().dead, 4);
}

TEST_F(WorkerTest, GivesUpAfterTheLastAttempt) {
  const auto worker_ = worker([](jobs::Run& run) -> Result<void> {
    EXPECT_EQ(run.last_attempt(), run.attempt() == 2);
    return Error{Kind::retry, "busy", "not now"};
  });
  add({.kind = "work", .max_attempts = 2});
  ASSERT_TRUE(comes_true([&] { return counts().scheduled == 1; }));
  clock.advance(std::chrono::hours{1});
  worker_->wake();
  ASSERT_TRUE(comes_true([&] { return counts().dead == 1; }));
  EXPECT_EQ(dead()[0].attempts, 2);
  EXPECT_EQ(dead()[0].error, "busy: not now");
}

TEST_F(WorkerTest, AJobWhoseTextIsNoJsonIsDeadAndStopsNobody) {
  in_tx([](pg::Tx& tx) {
    enqueue(tx, {.kind = "work"});
    tx.exec_unnamed("UPDATE jobs SET payload = '{'");
  });
  const auto worker_ = worker([](jobs::Run&) -> Result<void> { return {}; });
  EXPECT_TRUE(comes_true([&] { return counts().dead == 1; }));
}

TEST_F(WorkerTest, TwoWorkersNeverRunOneJobAtTheSameTimeNorTwice) {
  std::mutex mutex;
  std::map<JobId, int> ran;
  std::set<JobId> running;
  std::atomic<bool> overlapped = false;
  const auto handler = [&](jobs::Run& run) -> Result<void> {
    {
      const std::lock_guard lock(mutex);
      if (!running.insert(run.id()).second) overlapped = true;
      ++ran[run.id()];
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex);
    running.erase(run.id());
    return {};
  };
  const auto other_db = another();
  const auto first = worker(handler, {.threads = 4});
  Worker second(*other_db, clock, {{"work", handler}}, {.threads = 4, .poll = milliseconds{50}});
  for (int i = 0; i < 5; ++i) {
    add_all(std::vector<Job>(100, {.kind = "work", .organization = OrgId::make()}));
  }
  ASSERT_TRUE(comes_true([&] { return empty(); }));
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(ran.size(), 500u);
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& entry) { return entry.second == 1; }));
  ASSERT_TRUE(first->stop() && second.stop());
  EXPECT_EQ(first->counters().done + second.counters().done, 500);
}

TEST_F(WorkerTest, WorkAndItsEndCommitTogether) {
  in_tx([](pg::Tx& tx) { tx.exec_unnamed("CREATE TABLE effects (job text)"); });
  const auto worker_ = worker([&](jobs::Run& run) -> Result<void> {
    return db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("INSERT INTO effects VALUES ('done')");
      run.finish(tx);
      if (run.attempt() == 1) return Error{Kind::retry, "busy", "rolled back"};
      return {};
    });
  });
  add({.kind = "work"});
  ASSERT_TRUE(comes_true([&] { return counts().scheduled == 1; }));
  clock.advance(std::chrono::hours{1});
  worker_->wake();
  ASSERT_TRUE(comes_true([&] { return empty(); }));
  EXPECT_EQ(text("SELECT count(*)::text FROM effects"), "1");
  EXPECT_TRUE(comes_true([&] { return worker_->counters().done == 1; }));
  EXPECT_EQ(worker_->counters().lost, 0);
}

TEST_F(WorkerTest, AHandlerWhoseJobWasTakenOverCommitsNothing) {
  in_tx([](pg::Tx& tx) { tx.exec_unnamed("CREATE TABLE effects (job text)"); });
  std::latch begun(1), stolen(1);
  const auto worker_ = worker([&](jobs::Run& run) -> Result<void> {
    begun.count_down();
    stolen.wait();
    return db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("INSERT INTO effects VALUES ('done')");
      run.finish(tx);
      return {};
    });
  });
  add({.kind = "work"});
  begun.wait();
  in_tx([](pg::Tx& tx) {
    tx.exec_unnamed("UPDATE jobs SET lease = gen_random_uuid(), leased_by = 'x'");
  });
  stolen.count_down();
  ASSERT_TRUE(comes_true([&] { return worker_->counters().lost == 1; }));
  EXPECT_EQ(text("SELECT count(*)::text FROM effects"), "0");
  EXPECT_EQ(counts().running, 1);
}

TEST_F(WorkerTest, ALeaseIsExtendedWhileItsJobRuns) {
  std::atomic<bool> go_on = false;
  const auto worker_ = worker(
      [&](jobs::Run&) -> Result<void> {
        EXPECT_TRUE(comes_true([&] { return go_on.load(); }));
        return {};
      },
      {.lease = milliseconds{3000}});
  add({.kind = "work"});
  ASSERT_TRUE(comes_true([&] { return counts().running == 1; }));
  const std::string first = text("SELECT leased_until::text FROM jobs");
  EXPECT_TRUE(comes_true([&] { return text("SELECT leased_until::text FROM jobs") > first; }));
  go_on = true;
  EXPECT_TRUE(comes_true([&] { return empty(); }));
}

TEST_F(WorkerTest, AHandlerLearnsThatItsLeaseIsGone) {
  std::atomic<bool> learned = false;
  const auto worker_ = worker(
      [&](jobs::Run& run) -> Result<void> {
        learned = comes_true([&] { return !run.holds_lease(); });
        return {};
      },
      {.lease = milliseconds{3000}});
  add({.kind = "work"});
  ASSERT_TRUE(comes_true([&] { return counts().running == 1; }));
  in_tx([](pg::Tx& tx) {
    tx.exec_unnamed(
        "UPDATE jobs SET lease = gen_random_uuid(), leased_until = now() + interval '1 day'");
  });
  EXPECT_TRUE(comes_true([&] { return worker_->counters().lost == 1; }));
  EXPECT_TRUE(learned);
  EXPECT_EQ(counts().running, 1);  // by whoever took it over
}

TEST_F(WorkerTest, MoneyDoesNotWaitForLongJobs) {
  std::latch paid(1);
  std::atomic<int> syncing = 0;
  std::vector<Handler> handlers{{"sync",
                                 [&](jobs::Run&) -> Result<void> {
                                   ++syncing;
                                   paid.wait();
                                   return {};
                                 }},
                                {"pay", [&](jobs::Run&) -> Result<void> {
                                   paid.count_down();
                                   return {};
                                 }}};
  Worker worker_(db(), clock, std::move(handlers), {.threads = 3, .poll = milliseconds{50}});
  add_all(std::vector<Job>(10, {.kind = "sync", .priority = Priority::sync}));
  ASSERT_TRUE(comes_true([&] { return syncing == 2; }));
  add({.kind = "pay", .priority = Priority::money});
  EXPECT_TRUE(comes_true([&] { return empty(); }));
}

TEST_F(WorkerTest, StoppingGivesBackWhatItDidNotFinish) {
  const auto worker_ = worker(
      [&](jobs::Run& run) -> Result<void> {
        EXPECT_TRUE(comes_true([&] { return run.stopping(); }));
        return Error{Kind::retry, "stopping", "half done"};
      },
      {.threads = 2, .urgent_threads = 0});
  add_all(std::vector<Job>(3, {.kind = "work"}));
  ASSERT_TRUE(comes_true([&] { return counts().running == 2; }));
  EXPECT_TRUE(worker_->stop());
  EXPECT_EQ(counts().ready, 3);
  EXPECT_EQ(text("SELECT max(attempts)::text FROM jobs"), "0");
  EXPECT_EQ(worker_->counters().given_back, 2);
  EXPECT_TRUE(worker_->stop());
}

TEST_F(WorkerTest, StoppingTakesABoundedTimeAndLeavesTheLeaseOfWhatStillRuns) {
  std::latch began(1), let_go(1);
  const auto worker_ = worker(
      [&](jobs::Run&) -> Result<void> {
        began.count_down();
        let_go.wait();
        return {};
      },
      {.drain = milliseconds{50}});
  add({.kind = "work"});
  began.wait();
  EXPECT_FALSE(worker_->stop());
  EXPECT_EQ(counts().running, 1);
  let_go.count_down();
}

TEST_F(WorkerTest, HearsOfAJobLongBeforeItWouldLook) {
  std::atomic<int> ran = 0;
  const auto worker_ = worker(
      [&](jobs::Run&) -> Result<void> {
        ++ran;
        return {};
      },
      {.poll = std::chrono::hours{1}, .listen_url = url()});
  for (int i = 1; i <= 3; ++i) {
    add({.kind = "work"});
    ASSERT_TRUE(comes_true([&] { return ran == i; }));
  }
  EXPECT_TRUE(worker_->stop());
}

TEST_F(WorkerTest, OutlivesTheDatabase) {
  std::atomic<int> ran = 0;
  const auto worker_ = worker(
      [&](jobs::Run&) -> Result<void> {
        ++ran;
        return {};
      },
      {.listen_url = url()});
  add({.kind = "work"});
  ASSERT_TRUE(comes_true([&] { return ran == 1; }));
  ASSERT_TRUE(support::server().restart());
  ASSERT_TRUE(comes_true([&] {
    try {
      return add({.kind = "work"});
    } catch (const pg::Lost&) {
      return false;
    }
  }));
  EXPECT_TRUE(comes_true([&] { return ran == 2; }));
  EXPECT_TRUE(comes_true([&] { return empty(); }));
}

TEST_F(WorkerTest, SaysHowFarBehindTheQueueIs) {
  in_tx([](pg::Tx& tx) {
    enqueue(tx, {.kind = "work"});
    tx.exec_unnamed("UPDATE jobs SET ready_at = now() - interval '90 seconds'");
  });
  std::latch seen(1);
  const auto worker_ = worker(
      [&](jobs::Run&) -> Result<void> {
        seen.wait();
        return {};
      },
      {.threads = 1});
  EXPECT_TRUE(comes_true([&] { return worker_->counters().waited > std::chrono::seconds{89}; }));
  EXPECT_EQ(worker_->counters().running, 1);
  seen.count_down();
}

TEST_F(WorkerTest, TwoHandlersOfOneKindAreBroken) {
  const auto nothing = [](jobs::Run&) -> Result<void> { return {}; };
  EXPECT_THROW(Worker(db(), clock, {{"work", nothing}, {"work", nothing}}, {}), Broken);
}

}  // namespace
}  // namespace payoutd::jobs
