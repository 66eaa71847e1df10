#include "pg/listen.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

#include "support/database.h"

namespace payoutd::pg {
namespace {

const Query kNotify{"test_notify", "SELECT pg_notify($1, $2)", Tenancy::global};
const Query kEndListeners{"test_end_listeners", R"sql(
  SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
   WHERE application_name = 'payoutd listen' AND datname = current_database())sql",
                          Tenancy::global};

constexpr int kLong = 30'000;

struct Listening : support::DatabaseTest {
  Listening() : listener({.url = url(), .channels = {"jobs", "Odd \"name\""}}) {
    EXPECT_TRUE(listener.wait(kLong).look_anyway);  // connected
  }
  void notify(const std::string& channel, const std::string& payload) {
    auto done = db().transact([&](Tx& tx) -> Result<void> {
      tx.exec(kNotify, channel, payload);
      return {};
    });
    EXPECT_TRUE(done.ok());
  }
  Listener listener;
};

TEST_F(Listening, IsWokenByACommit) {
  std::jthread sender([&] { notify("jobs", "7"); });
  const auto woken = listener.wait(kLong);
  ASSERT_EQ(woken.notifications.size(), 1u);
  EXPECT_EQ(woken.notifications[0].channel, "jobs");
  EXPECT_EQ(woken.notifications[0].payload, "7");
  EXPECT_FALSE(woken.look_anyway);
}

TEST_F(Listening, HearsWhatCameBeforeItWaited) {
  notify("Odd \"name\"", "early");
  notify("nobody listens", "here");
  EXPECT_EQ(listener.wait(kLong).notifications.at(0).payload, "early");
  EXPECT_TRUE(listener.wait(1).notifications.empty());
}

TEST_F(Listening, CanBeInterruptedByAnotherThread) {
  const auto from = std::chrono::steady_clock::now();
  std::jthread other([&] { listener.interrupt(); });
  EXPECT_TRUE(listener.wait(kLong).notifications.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - from, std::chrono::seconds{20});
}

TEST_F(Listening, ConnectsAgainAndSaysThatItMayHaveMissedSome) {
  ASSERT_TRUE(db().transact([](Tx& tx) -> Result<void> {
                    EXPECT_EQ(tx.exec(kEndListeners).size(), 1u);
                    return {};
                  })
                  .ok());
  EXPECT_TRUE(listener.wait(kLong).look_anyway);
  notify("jobs", "again");
  EXPECT_EQ(listener.wait(kLong).notifications.at(0).payload, "again");
}

TEST_F(Listening, OutlivesTheServer) {
  support::server().stop();
  EXPECT_FALSE(listener.wait(150).look_anyway);
  ASSERT_TRUE(support::server().restart().ok());
  EXPECT_TRUE(listener.wait(kLong).look_anyway);
}

}  // namespace
}  // namespace payoutd::pg
