#include "sync/sync.h"

#include "sync/world.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct Sync : SyncTest {};

TEST_F(Sync, TheMirrorEqualsTheSimulatorsOwnRecords) {
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_EQ(runs.size(), 2u);  // the platform's, and the tenant's
  EXPECT_EQ(mirrored(), simulated());
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts WHERE is_platform"), 1);
  expect_whole();
}

TEST_F(Sync, APayoutsTransactionsAreKnown) {
  expect_succeeded(sync());
  EXPECT_GT(number("SELECT count(*) FROM payouts WHERE members_checked_at IS NOT NULL"), 3);
  EXPECT_EQ(
      number("SELECT count(*) FROM payouts WHERE automatic AND reconciliation_status = 'completed'"
             " AND members_checked_at IS NULL"),
      0);
  std::map<std::string, std::int64_t> members;
  sim.inspect([&](sim::World& world) {
    for (const auto& account : world.store.accounts()) {
      for (const auto& [payout, rows] : account->rows_by_payout) {
        if (world.store.find(payout)->str("reconciliation_status") != "completed") continue;
        members[payout] = std::ssize(rows);
      }
    }
  });
  const auto found = figures(
      "SELECT payout_id, count(*), 0 FROM balance_transactions WHERE payout_id IS NOT NULL GROUP "
      "BY 1");
  ASSERT_EQ(found.size(), members.size());
  for (const auto& [payout, figure] : found) EXPECT_EQ(figure.count, members[payout]) << payout;
}

TEST_F(Sync, TheNextRunReadsWhatIsNewAndWhatChanged) {
  expect_succeeded(sync());
  const std::string account = sim.connected().front();
  ASSERT_TRUE(sim.activity(account, {{"charges", 7}, {"refunds", 2}}).ok());
  wait(36h);
  ASSERT_TRUE(sim.activity(account, {{"charges", 3}}).ok());
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
  ASSERT_NE(stream_of(runs, account, "charges"), nullptr);
  EXPECT_EQ(stream_of(runs, account, "charges")->kind, "rescan");
  wait(1h);
  const auto again = sync();
  ASSERT_NE(stream_of(again, account, "charges"), nullptr);
  EXPECT_EQ(stream_of(again, account, "charges")->kind, "increment");
  EXPECT_LE(stream_of(again, account, "charges")->counts.pages, 1);
}

TEST_F(Sync, AMonthWithoutWebhooksEndsInTheSimulatorsRecords) {
  expect_succeeded(sync());
  for (int day = 0; day < 20; ++day) {
    for (const std::string& account : sim.connected()) {
      ASSERT_TRUE(
          sim.activity(account,
                       {{"charges", 3}, {"refunds", 1}, {"disputes", 1}, {"subscriptions", 1}})
              .ok());
    }
    wait(24h);
  }
  expect_succeeded(sync());
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(Sync, AnAccountThatWasAwayForLongIsWholeAfterOneRun) {
  expect_succeeded(sync());
  const Json made = ask("POST", "/v1/customers", {{"name", "Leaves"}});
  wait(1h);
  expect_succeeded(sync());
  ask("DELETE", "/v1/customers/" + made["id"].get<std::string>());
  for (const std::string& account : sim.connected()) {
    ASSERT_TRUE(sim.activity(account, {{"charges", 5}, {"refunds", 1}}).ok());
  }
  wait(std::chrono::days(45));
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_EQ(stream_of(runs, sim.platform(), "charges")->kind, "whole");
  EXPECT_EQ(mirrored(), simulated());
  EXPECT_EQ(number("SELECT count(*) FROM customers WHERE deleted"), 1);
  expect_whole();
}

TEST_F(Sync, LimitsAndFailuresOfStripeEndNothing) {
  fault({{"path", "/v1/*"},
         {"method", "GET"},
         {"do", "status"},
         {"status", 429},
         {"every", 3},
         {"count", 60},
         {"reason", "global-rate"}});
  fault({{"path", "/v1/balance_transactions"}, {"do", "status"}, {"status", 503}, {"count", 2}});
  fault({{"path", "/v1/charges"}, {"do", "truncate"}, {"count", 2}});
  fault({{"path", "/v1/events"}, {"do", "reset_after"}, {"count", 2}});
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_GT(runs.front().limited, 10);
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(Sync, OneAccountsFailureDoesNotStopTheOthers) {
  fault({{"path", "/v1/refunds"},
         {"do", "status"},
         {"status", 401},
         {"code", "secret_key_required"},
         {"count", 1}});
  const auto runs = sync();
  std::size_t failed = 0;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams)
      failed += stream.status == "failed" && stream.stream == "refunds";
  }
  EXPECT_EQ(failed, 1u);
  EXPECT_TRUE(
      std::ranges::any_of(runs, [](const RunRecord& run) { return run.status != "succeeded"; }));
  expect_succeeded(sync());
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(Sync, AnAccountThatTookItsAuthorizationBackIsDeauthorized) {
  expect_succeeded(sync());
  const std::string account = sim.connected().front();
  connect(platform, "acct_1Unknown00000001");  // Stripe answers 403 account_invalid for it
  const auto runs = sync();
  expect_succeeded(runs);
  ASSERT_NE(stream_of(runs, "acct_1Unknown00000001", "account"), nullptr);
  EXPECT_EQ(stream_of(runs, "acct_1Unknown00000001", "account")->status, "deauthorized");
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts WHERE status = 'deauthorized'"), 1);
  EXPECT_EQ(stream_of(runs, account, "account")->status, "succeeded");
}

TEST_F(Sync, ARunThatWasStoppedGoesOnWhereItWas) {
  sim.bulk_balance_transactions(sim.platform(), 30'000);
  Syncer syncer(db(), *client, appliers, clock, {.lister = {.lanes = 4}});
  Options options;
  options.stop = [this] { return number("SELECT count(*) FROM balance_transactions") > 6'000; };
  const auto stopped = syncer.run(options);
  ASSERT_TRUE(stopped.ok());
  const std::int64_t kept = number("SELECT count(*) FROM balance_transactions");
  EXPECT_EQ(number("SELECT count(*) FROM sync_leases"), 0);
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_EQ(mirrored(), simulated());
  // What was stored is not read again, but for a page of each range that was under way.
  std::int64_t read = 0;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      if (stream.stream == kBalanceTransactions && stream.account == sim.platform())
        read += stream.counts.rows;
    }
  }
  EXPECT_LT(read, number("SELECT count(*) FROM balance_transactions") - kept + 3'000);
  expect_whole();
}

TEST_F(Sync, OneRunAtATimeSyncsAnAccount) {
  sim.bulk_balance_transactions(sim.platform(), 5'000);
  const auto other_db = another();
  const auto other_client = open_client();
  std::atomic<bool> refused{false};
  Options options{.organization = platform, .account = sim.platform()};
  expect_succeeded(sync({.organization = platform}));  // all are known
  Options outer = options;
  bool tried = false;
  fault({{"path", "/v1/charges"}, {"do", "latency"}, {"ms", 700}, {"count", 1}});
  outer.progress = [&](const Progress&) {
    if (std::exchange(tried, true)) return;
    Syncer second(*other_db, *other_client, appliers, clock, {});
    const auto runs = second.run(options);
    refused = !runs && runs.error().code == "sync_running";
  };
  expect_succeeded(sync(outer));
  EXPECT_TRUE(refused);
}

struct LateRows : SyncTest {
  LateRows() : SyncTest(sim::Demo::small, lagging()) {}
  static sim::Options lagging() {
    sim::Options options;
    options.visibility_lag_s = 300;
    return options;
  }
};

TEST_F(LateRows, WhatIsListedLaterThanItWasMadeIsNotLost) {
  sync();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(sim.activity(sim.platform(), {{"charges", 1}}).ok());
    wait(60s);
    sync();
  }
  wait(600s);
  expect_succeeded(sync());
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

}  // namespace
}  // namespace payoutd::sync
