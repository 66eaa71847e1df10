#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <set>
#include <thread>

#include "pg/notes.h"
#include "pg/proxy.h"

namespace payoutd::pg {
namespace {

using std::chrono::steady_clock;

const Query kBackend{"test_backend", "SELECT pg_backend_pid()", Tenancy::global};
const Query kTerminate{"test_terminate", "SELECT pg_terminate_backend($1::int, 5000)",
                       Tenancy::global};
const Query kSessions{"test_sessions", R"sql(
  SELECT pid FROM pg_stat_activity
   WHERE datname = current_database() AND pid <> pg_backend_pid()
     AND backend_type = 'client backend')sql",
                      Tenancy::global};
const Query kAllIds{"test_all_ids", "SELECT id FROM notes", Tenancy::global};

struct Loss : Notes {
  static std::int32_t backend(Tx& tx) { return tx.exec(kBackend).one().get<std::int32_t>(0); }

  // From outside, as an administrator would.
  void terminate(std::int32_t pid) {
    auto admin = another(1);
    EXPECT_TRUE(*admin->transact(
        [&](Tx& tx) -> Result<bool> { return tx.exec(kTerminate, pid).one().get<bool>(0); }));
  }

  // All of this test's database but the asker's own.
  static std::set<std::int32_t> sessions(Database& asker) {
    std::set<std::int32_t> pids;
    auto done = asker.read([&](Tx& tx) -> Result<void> {
      for (const Row row : tx.exec(kSessions)) pids.insert(row.get<std::int32_t>("pid"));
      return {};
    });
    EXPECT_TRUE(done.ok());
    return pids;
  }

  static std::string socket_folder() { return support::server().folder() + "/run"; }
  std::string database() const {
    const std::string text = url().reveal();
    const auto from = text.find("@/") + 2;
    return text.substr(from, text.find('?') - from);
  }
};

TEST_F(Loss, InsideATransactionNothingIsCommittedAndTheNextOneWorks) {
  EXPECT_THROW(static_cast<void>(db().transact([&](Tx& tx) -> Result<void> {
                 tx.exec(kInsertNote, 1, "gone");
                 terminate(backend(tx));
                 tx.exec(kInsertNote, 2, "gone");
                 return {};
               })),
               Lost);
  EXPECT_EQ(body_of(1), std::nullopt);
  EXPECT_TRUE(insert(db(), 1, "kept").ok());
}

TEST_F(Loss, JustBeforeCommitIsKnownNotToBeCommitted) {
  EXPECT_THROW(static_cast<void>(db().transact([&](Tx& tx) -> Result<void> {
                 tx.exec(kInsertNote, 1, "gone");
                 terminate(backend(tx));
                 return {};
               })),
               Lost);
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Loss, OfAnIdleConnectionCostsNoError) {
  ASSERT_TRUE(insert(db(), 1, "one").ok());
  for (const auto pid : sessions(*another(1))) terminate(pid);
  EXPECT_TRUE(insert(db(), 2, "two").ok());
  EXPECT_EQ(db().state().losses, 1);
  EXPECT_EQ(db().state().open, 1);
}

TEST_F(Loss, WhileCommitIsOnItsWayIsInDoubt) {
  Proxy proxy(socket_folder());
  Database through({.url = proxy.url(database())});
  ASSERT_TRUE(insert(through, 1, "one").ok());
  proxy.set(Cut::before_commit);
  EXPECT_THROW(static_cast<void>(insert(through, 2, "never arrived")), InDoubt);
  proxy.set(Cut::after_commit);
  EXPECT_THROW(static_cast<void>(insert(through, 3, "done, and nobody told")), InDoubt);
  proxy.set(Cut::never);
  EXPECT_EQ(body_of(2, through), std::nullopt);
  EXPECT_EQ(body_of(3, through), "done, and nobody told");
}

TEST_F(Loss, IsNeverHealedInSilenceInsideATransaction) {
  EXPECT_THROW(static_cast<void>(db().transact([&](Tx& tx) -> Result<void> {
                 tx.exec_unnamed("SET LOCAL lock_timeout = '7s'");
                 terminate(backend(tx));
                 EXPECT_THROW(tx.exec(kInsertNote, 1, "on a dead connection"), Lost);
                 EXPECT_THROW(tx.exec_unnamed("SELECT 1"), Lost);
                 EXPECT_THROW(tx.raw().exec("SELECT 1"), pqxx::broken_connection);
                 return {};
               })),
               Lost);
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Loss, IdlingInsideATransactionTooLongIsALoss) {
  Database impatient({.url = url(), .idle_in_transaction_timeout_ms = 20});
  auto watcher = another(1);
  EXPECT_THROW(static_cast<void>(impatient.transact([&](Tx& tx) -> Result<void> {
                 const auto own = backend(tx);
                 const auto deadline = steady_clock::now() + std::chrono::seconds{20};
                 while (sessions(*watcher).contains(own) && steady_clock::now() < deadline) {
                   std::this_thread::yield();
                 }
                 tx.exec(kInsertNote, 1, "too late");
                 return {};
               })),
               Lost);
}

TEST_F(Loss, OfTheServerIsToldWithinBounds) {
  ASSERT_TRUE(db().alive());
  support::server().stop();
  const auto from = steady_clock::now();
  EXPECT_FALSE(db().alive(500));
  EXPECT_THROW(static_cast<void>(insert(db(), 1, "nobody there")), Lost);
  EXPECT_LT(steady_clock::now() - from, std::chrono::seconds{10});
  ASSERT_TRUE(support::server().restart().ok());
  EXPECT_TRUE(db().alive());
  EXPECT_TRUE(insert(db(), 1, "there again").ok());
}

TEST_F(Loss, AFrozenServerIsNotAlive) {
  ASSERT_TRUE(db().alive());
  const auto pids = sessions(*another(1));
  for (const auto pid : pids) ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  EXPECT_FALSE(db().alive(100));
  for (const auto pid : pids) ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_TRUE(db().alive(5000));
}

// As a standby is, or a database that a person has set so. What was opened meanwhile does not stay
// so when it takes writes again.
TEST_F(Loss, ADatabaseThatTakesNoWritesSaysSo) {
  const auto set = [&](const char* what) {
    ASSERT_TRUE(db().transact([&](Tx& tx) -> Result<void> {
      tx.exec_unnamed(
          std::string("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' ") + what +
          "'; END $$");
      return {};
    }));
  };
  EXPECT_EQ(db().health(5000), Database::Health::good);
  set("SET default_transaction_read_only = on");
  const auto later = another();
  EXPECT_EQ(later->health(5000), Database::Health::read_only);
  EXPECT_TRUE(later->alive(5000));
  try {
    static_cast<void>(insert(*later, 1, "not now"));
    ADD_FAILURE() << "it was written";
  } catch (const Busy& busy) {
    EXPECT_TRUE(busy.read_only());
  }
  set("RESET default_transaction_read_only");
  EXPECT_EQ(later->health(5000), Database::Health::good);
  EXPECT_TRUE(insert(*later, 1, "now").ok());
}

// What was acknowledged is there, what was refused is not, and what was in doubt may be.
TEST_F(Loss, OfTheServerUnderLoadLosesNothingThatWasAcknowledged) {
  constexpr int kThreads = 4;
  std::atomic<bool> over = false;
  std::atomic<int> acknowledged_since = 0;
  std::set<std::int64_t> acknowledged[kThreads], in_doubt[kThreads];
  const auto write = [&](int thread) {
    for (std::int64_t n = 0; !over; ++n) {
      const std::int64_t id = n * kThreads + thread;
      try {
        if (insert(db(), id, "x").ok()) acknowledged[thread].insert(id);
        ++acknowledged_since;
      } catch (const Lost&) {
        std::this_thread::yield();
      } catch (const InDoubt&) {
        in_doubt[thread].insert(id);
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(write, i);
    const auto some_more = [&] {
      acknowledged_since = 0;
      const auto deadline = steady_clock::now() + std::chrono::seconds{30};
      while (acknowledged_since < 50 && steady_clock::now() < deadline) std::this_thread::yield();
      EXPECT_GE(acknowledged_since, 50);
    };
    some_more();
    EXPECT_TRUE(support::server().restart().ok());
    some_more();
    support::server().kill();
    EXPECT_TRUE(support::server().restart().ok());
    some_more();
    over = true;
  }
  std::set<std::int64_t> stored;
  auto read = db().read([&](Tx& tx) -> Result<void> {
    for (const Row row : tx.exec(kAllIds)) stored.insert(row.get<std::int64_t>("id"));
    return {};
  });
  ASSERT_TRUE(read.ok());
  for (int i = 0; i < kThreads; ++i) {
    for (const auto id : acknowledged[i]) EXPECT_EQ(stored.erase(id), 1u) << "lost " << id;
    for (const auto id : in_doubt[i]) stored.erase(id);
  }
  EXPECT_TRUE(stored.empty()) << stored.size() << " were refused and are there";
}

}  // namespace
}  // namespace payoutd::pg
