#include "jobs/queue.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>

#include "queue_test_base.h"

namespace payoutd::jobs {
namespace {

struct Queue : QueueTest {};

TEST_F(Queue, AJobIsThereOnlyIfItsTransactionCommits) {
  const auto refused = db().transact([](pg::Tx& tx) -> Result<void> {
    enqueue(tx, {.kind = "work"});
    return Error{Kind::refused, "no", "no"};
  });
  EXPECT_FALSE(refused);
  EXPECT_TRUE(take(1).empty());

  add({.kind = "work", .payload = {{"a", 1}}});
  const auto claimed = take(5);
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(parse_json(claimed[0].payload)->at("a"), 1);
  EXPECT_EQ(claimed[0].attempt, 1);
  EXPECT_FALSE(claimed[0].organization);
  EXPECT_TRUE(take(5).empty());  // it is held
}

TEST_F(Queue, AFinishedJobIsGone) {
  add({.kind = "work"});
  EXPECT_EQ(end(take(1).at(0)), 1u);
  EXPECT_EQ(text("SELECT count(*)::text FROM jobs"), "0");
}

TEST_F(Queue, KeepsPayloadsThatJsonbRefuses) {
  const Json payload = {{"note", std::string("a\0b", 3)}, {"euro", "€"}};
  add({.kind = "work", .payload = payload});
  EXPECT_EQ(*parse_json(take(1).at(0).payload), payload);
}

TEST_F(Queue, TheBestPriorityGoesFirstWhateverCameFirst) {
  for (const auto priority :
       {Priority::sync, Priority::normal, Priority::prompt, Priority::money}) {
    add({.kind = "work", .organization = OrgId::make(), .priority = priority});
    add({.kind = "work", .priority = priority});
  }
  std::vector<Priority> order;
  for (const Claimed& job : take(5)) order.push_back(job.priority);
  for (const Claimed& job : take(5)) order.push_back(job.priority);
  EXPECT_EQ(order, (std::vector<Priority>{Priority::money, Priority::money, Priority::prompt,
                                          Priority::prompt, Priority::normal, Priority::normal,
                                          Priority::sync, Priority::sync}));
}

TEST_F(Queue, WithinATenantTheFirstReadyGoesFirst) {
  for (int i = 0; i < 5; ++i) add({.kind = "work", .payload = {{"n", i}}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(parse_json(take(1).at(0).payload)->at("n"), i);
}

TEST_F(Queue, TenantsTakeTurnsWhateverOneOfThemPiledUp) {
  const OrgId loud = OrgId::make(), quiet = OrgId::make(), third = OrgId::make();
  add_all(std::vector<Job>(5000, {.kind = "work", .organization = loud}));
  add_all(std::vector<Job>(3, {.kind = "work", .organization = quiet}));
  add_all(std::vector<Job>(3, {.kind = "work", .organization = third}));
  std::map<OrgId, int> first_nine;
  for (int i = 0; i < 9; ++i) ++first_nine[*take(1).at(0).organization];
  EXPECT_EQ(first_nine, (std::map<OrgId, int>{{loud, 3}, {quiet, 3}, {third, 3}}));
  EXPECT_EQ(*take(1).at(0).organization, loud);
}

TEST_F(Queue, OneClaimOfManySharesThemOut) {
  const OrgId loud = OrgId::make(), quiet = OrgId::make();
  add_all(std::vector<Job>(100, {.kind = "work", .organization = loud}));
  add({.kind = "work", .organization = quiet});
  add({.kind = "work"});  // nobody's
  std::map<std::optional<OrgId>, int> taken;
  for (const Claimed& job : take(9)) ++taken[job.organization];
  EXPECT_EQ(taken[quiet], 1);
  EXPECT_EQ(taken[std::nullopt], 1);
  EXPECT_EQ(taken[loud], 3);  // its share; the next claim goes on
  EXPECT_EQ(take(9).size(), 9u);
}

TEST_F(Queue, ATenantThatComesLateGetsTheNextTurn) {
  const OrgId loud = OrgId::make(), late = OrgId::make();
  add_all(std::vector<Job>(100, {.kind = "work", .organization = loud}));
  take(1);
  add({.kind = "work", .organization = late});
  EXPECT_EQ(take(1).at(0).organization, late);
  EXPECT_EQ(take(1).at(0).organization, loud);
}

TEST_F(Queue, UnknownKindsAreLeftForOthers) {
  const OrgId org = OrgId::make();
  add_all(std::vector<Job>(50, {.kind = "a_newer_kind", .organization = org}));
  add({.kind = "work", .organization = org});
  add({.kind = "work", .organization = OrgId::make()});
  EXPECT_EQ(take(10).size(), 2u);
  EXPECT_TRUE(take(10).empty());
  EXPECT_EQ(take(10, {"a_newer_kind", "work"}).size(), 10u);
}

TEST_F(Queue, WaitsForTheBusinessClock) {
  add({.kind = "work", .run_at = kMorning + std::chrono::hours{1}});
  promote_at(kMorning);
  EXPECT_TRUE(take(1).empty());
  EXPECT_EQ(counts().scheduled, 1);
  promote_at(kMorning + std::chrono::hours{1});
  EXPECT_EQ(take(1).size(), 1u);
}

TEST_F(Queue, MoneyThatIsDueDoesNotWaitBehindAFlood) {
  add_all(std::vector<Job>(
      lease_store::kPromoted + 10,
      {.kind = "work", .priority = Priority::sync, .run_at = kMorning - std::chrono::hours{1}}));
  add({.kind = "work", .priority = Priority::money, .run_at = kMorning});
  EXPECT_TRUE(in_tx([](pg::Tx& tx) { return lease_store::promote(tx, kMorning); }));
  EXPECT_EQ(take(1).at(0).priority, Priority::money);
}

TEST_F(Queue, OneOfAKeyWaits) {
  const OrgId a = OrgId::make(), b = OrgId::make();
  EXPECT_TRUE(add({.kind = "work", .organization = a, .unique_key = "k"}));
  EXPECT_FALSE(add({.kind = "work", .organization = a, .unique_key = "k"}));
  EXPECT_TRUE(add({.kind = "work", .organization = b, .unique_key = "k"}));
  EXPECT_TRUE(add({.kind = "work", .unique_key = "k"}));
  EXPECT_TRUE(add({.kind = "other", .organization = a, .unique_key = "k"}));
  EXPECT_EQ(counts().ready, 4);
}

TEST_F(Queue, WhileOneOfAKeyRunsAnotherMayWait) {
  add({.kind = "work", .unique_key = "k"});
  const auto running = take(1);
  EXPECT_TRUE(add({.kind = "work", .unique_key = "k"}));
  EXPECT_FALSE(add({.kind = "work", .unique_key = "k"}));
  // The running one fails, and gives way to the one that waits.
  fail(running.at(0), kMorning);
  EXPECT_EQ(counts().ready, 1);
  EXPECT_EQ(counts().scheduled, 0);
}

TEST_F(Queue, AskingAgainBringsAWaitingJobForward) {
  add({.kind = "work", .priority = Priority::sync, .unique_key = "k", .run_at = kMorning});
  const Time earlier = kMorning - std::chrono::hours{1};
  EXPECT_FALSE(add({.kind = "work", .unique_key = "k", .run_at = earlier}));
  promote_at(earlier);
  EXPECT_EQ(take(1).at(0).priority, Priority::normal);

  add({.kind = "work", .unique_key = "k", .run_at = kMorning});
  EXPECT_FALSE(add({.kind = "work", .unique_key = "k"}));
  EXPECT_FALSE(add({.kind = "work", .unique_key = "k", .run_at = kMorning}));  // later: no change
  EXPECT_EQ(take(1).size(), 1u);
}

TEST_F(Queue, AWaitingJobThatSomebodyCountsOnBeginsOnlyAfterTheirCommit) {
  add({.kind = "work", .unique_key = "k"});
  const auto other = another();
  in_tx([&](pg::Tx& tx) {
    EXPECT_FALSE(enqueue(tx, {.kind = "work", .unique_key = "k"}));
    in_tx_of(*other, [&](pg::Tx& theirs) { EXPECT_TRUE(take_in(theirs, 1).empty()); });
  });
  EXPECT_EQ(take(1).size(), 1u);
}

TEST_F(Queue, ABatchMayRepeatAKey) {
  const std::vector<Job> jobs{{.kind = "work", .unique_key = "b"},
                              {.kind = "work"},
                              {.kind = "work", .unique_key = "a"},
                              {.kind = "work", .unique_key = "b"},
                              {.kind = "work"}};
  EXPECT_EQ(add_all(jobs), 4u);
  EXPECT_EQ(add_all(jobs), 2u);
  EXPECT_EQ(add_all({}), 0u);
}

TEST_F(Queue, AFailedJobComesBackWithItsErrorAndAttempts) {
  add({.kind = "work"});
  fail(take(1).at(0), kMorning);
  EXPECT_TRUE(take(1).empty());
  EXPECT_EQ(text("SELECT last_error FROM jobs"), "not now");
  promote_at(kMorning);
  EXPECT_EQ(take(1).at(0).attempt, 2);
}

TEST_F(Queue, AJobGivenBackUntriedHasLostNothing) {
  add({.kind = "work"});
  const Returned back{held(take(1).at(0)), std::nullopt, std::nullopt};
  in_tx([&](pg::Tx& tx) { lease_store::give_back(tx, std::span(&back, 1)); });
  EXPECT_EQ(take(1).at(0).attempt, 1);
}

TEST_F(Queue, WhoLostTheLeaseCanNoLongerChangeTheJob) {
  add({.kind = "work"});
  const Claimed slow = take(1).at(0);
  run_out_all_leases();
  EXPECT_EQ(in_tx([](pg::Tx& tx) { return lease_store::take_over(tx); }), 1u);
  const Claimed next = take(1).at(0);
  EXPECT_EQ(next.id, slow.id);
  EXPECT_EQ(next.attempt, 2);

  EXPECT_EQ(end(slow), 0u);
  fail(slow, kMorning);
  bury_one(slow);
  const Held lost = held(slow);
  EXPECT_TRUE(in_tx([&](pg::Tx& tx) {
                return lease_store::extend(tx, std::span(&lost, 1), std::chrono::hours{1});
              }).empty());
  EXPECT_EQ(counts().running, 1);
  EXPECT_EQ(end(next), 1u);
}

TEST_F(Queue, ALeaseThatIsExtendedIsNotTakenOver) {
  add({.kind = "work"});
  const Held ours = held(take(1).at(0));
  run_out_all_leases();
  in_tx([&](pg::Tx& tx) { lease_store::extend(tx, std::span(&ours, 1), std::chrono::minutes{1}); });
  EXPECT_EQ(in_tx([](pg::Tx& tx) { return lease_store::take_over(tx); }), 0u);
}

TEST_F(Queue, AJobThatKillsEachOfItsWorkersIsDeadAfterItsAttempts) {
  add({.kind = "work", .max_attempts = 2});
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(take(1).size(), 1u);
    run_out_all_leases();
    in_tx([](pg::Tx& tx) { lease_store::take_over(tx); });
  }
  EXPECT_TRUE(take(1).empty());
  ASSERT_EQ(dead().size(), 1u);
  EXPECT_EQ(dead()[0].error, "the lease of test ran out");
}

TEST_F(Queue, AClaimInDoubtIsGivenBack) {
  add_all(std::vector<Job>(3, {.kind = "work"}));
  const auto claimed = take(2);
  in_tx([&](pg::Tx& tx) { lease_store::abandon(tx, claimed[0].lease); });
  EXPECT_EQ(counts().ready, 3);
  EXPECT_EQ(take(3).at(0).attempt, 1);
}

TEST_F(Queue, ConcurrentClaimsNeverShareAJob) {
  for (int i = 0; i < 4; ++i) {
    add_all(std::vector<Job>(300, {.kind = "work", .organization = OrgId::make()}));
  }
  std::mutex mutex;
  std::multiset<JobId> seen;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        Turns turns;
        const std::vector<std::string> kinds{"work"};
        // What others hold at the moment is passed over, so empty once is not the end.
        for (int empty = 0; empty < 20;) {
          const auto jobs = in_tx([&](pg::Tx& tx) {
            return lease_store::claim(tx,
                                      {.kinds = kinds,
                                       .limit = 7,
                                       .lease = Uuid::v7(),
                                       .holder = "t",
                                       .lease_for = std::chrono::minutes{1}},
                                      turns);
          });
          empty = jobs.empty() ? empty + 1 : 0;
          const std::lock_guard lock(mutex);
          for (const Claimed& job : jobs) seen.insert(job.id);
        }
      });
    }
  }
  EXPECT_EQ(seen.size(), 1200u);
  EXPECT_EQ(std::set<JobId>(seen.begin(), seen.end()).size(), 1200u);
}

struct LongQueue : QueueTest {
  // Every statement of a worker, once.
  std::size_t use_all(pg::Tx& tx) {
    const auto claimed = take_in(tx, 4);
    std::vector<Held> held;
    for (const Claimed& job : claimed) held.push_back(QueueTest::held(job));
    lease_store::extend(tx, held, std::chrono::minutes{1});
    if (held.size() < 4) held.assign(4, {JobId::make(), Uuid::v7()});
    lease_store::finish(tx, std::span(held).first(1));
    const Returned back{held[1], kMorning, "not now"};
    lease_store::give_back(tx, std::span(&back, 1));
    const Buried over{held[2], "broken"};
    lease_store::bury(tx, std::span(&over, 1));
    lease_store::finish_beside(tx, held[3]);
    lease_store::use_indexes(tx);
    lease_store::promote(tx, kMorning);
    lease_store::take_over(tx);
    return claimed.size();
  }
  void fill() {
    for (const char* kind : {"work", "elsewhere"}) {
      for (int i = 0; i < 4; ++i) {
        add_all(std::vector<Job>(5'000, {.kind = kind, .organization = OrgId::make()}));
      }
    }
  }
  // What this session has read of the table, whole scans and rows fetched by way of an index. The
  // counters also hold what earlier transactions did, so only a difference says something.
  struct Read {
    std::int64_t scans;
    std::int64_t rows;
  };
  static Read read_so_far(pg::Tx& tx) {
    const auto row = tx.exec_unnamed(
                           "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables "
                           "WHERE relname = 'jobs'")
                         .one();
    return {row.get<std::int64_t>(0), row.get<std::int64_t>(1)};
  }
  void expect_few_reads() {
    in_tx([&](pg::Tx& tx) {
      const Read before = read_so_far(tx);
      EXPECT_EQ(use_all(tx), 4u);
      const Read after = read_so_far(tx);
      EXPECT_EQ(after.scans - before.scans, 0);
      EXPECT_LT(after.rows - before.rows, 100);
    });
  }
  void use_while_empty() {
    for (int i = 0; i < 8; ++i) in_tx([&](pg::Tx& tx) { use_all(tx); });
  }
};

TEST_F(LongQueue, IsReadNoMoreThanAShortOneThoughNobodyEverAnalyzedIt) {
  use_while_empty();
  fill();
  expect_few_reads();
}

TEST_F(LongQueue, IsReadNoMoreThanAShortOneThoughItWasLastSeenEmpty) {
  fill();
  in_tx([](pg::Tx& tx) { tx.exec_unnamed("DELETE FROM jobs; ANALYZE jobs"); });
  use_while_empty();
  fill();
  expect_few_reads();
  expect_few_reads();
}

struct DeadJobs : QueueTest {
  JobId kill_one(const Job& job) {
    add(job);
    const Claimed claimed = take(1).at(0);
    bury_one(claimed, "destination_closed: no");
    return claimed.id;
  }
};

TEST_F(DeadJobs, StayWithTheirErrorAndAreListedByPage) {
  const OrgId ours = OrgId::make(), theirs = OrgId::make();
  const JobId first = kill_one({.kind = "work", .organization = ours, .payload = {{"n", 1}}});
  const JobId second = kill_one({.kind = "work", .organization = ours});
  kill_one({.kind = "work", .organization = theirs});
  EXPECT_EQ(dead().size(), 3u);
  EXPECT_EQ(counts().dead, 3);
  const auto page = dead({.organization = ours, .limit = 1});
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].id, second);
  const auto rest = dead({.organization = ours, .before = second});
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].id, first);
  EXPECT_EQ(rest[0].error, "destination_closed: no");
  EXPECT_EQ(rest[0].payload, R"({"n":1})");
  EXPECT_EQ(rest[0].organization, ours);
  EXPECT_TRUE(dead({.kind = "other"}).empty());
}

TEST_F(DeadJobs, RequeuedTheyHaveAllTheirAttempts) {
  const JobId id = kill_one({.kind = "work"});
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) { return requeue(tx, id); }));
  const auto again = take(1);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].id, id);
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_TRUE(dead().empty());
}

TEST_F(DeadJobs, OfAnotherOrganizationAreNotThere) {
  const JobId id = kill_one({.kind = "work", .organization = OrgId::make()});
  const auto stranger = OrgId::make();
  const auto requeued = db().transact([&](pg::Tx& tx) { return requeue(tx, id, stranger); });
  EXPECT_EQ(requeued.error().code, "job_not_found");
  const auto discarded = db().transact([&](pg::Tx& tx) { return discard(tx, id, stranger); });
  EXPECT_EQ(discarded.error().kind, Kind::missing);
  EXPECT_TRUE(db().transact([&](pg::Tx& tx) { return discard(tx, id); }));
  EXPECT_TRUE(dead().empty());
}

TEST_F(DeadJobs, AreNotRequeuedBesideOneThatWaits) {
  const JobId id = kill_one({.kind = "work", .unique_key = "k"});
  add({.kind = "work", .unique_key = "k"});
  const auto requeued = db().transact([&](pg::Tx& tx) { return requeue(tx, id); });
  EXPECT_EQ(requeued.error().code, "job_already_waiting");
  EXPECT_EQ(dead().size(), 1u);
}

TEST_F(DeadJobs, OnlyTheDeadAreRequeuedOrDiscarded) {
  add({.kind = "work"});
  const JobId id = take(1).at(0).id;
  EXPECT_FALSE(db().transact([&](pg::Tx& tx) { return requeue(tx, id); }));
  EXPECT_FALSE(db().transact([&](pg::Tx& tx) { return discard(tx, id); }));
}

}  // namespace
}  // namespace payoutd::jobs
