// Between two runs: what an event's balance transaction needs to be in the mirror, and who says how
// fresh the mirror is.
#include "sync/freshness.h"

#include <thread>

#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "support/run_jobs.h"
#include "sync/standing.h"
#include "sync/sync_jobs.h"
#include "sync/world.h"
#include "webhooks/apply.h"
#include "webhooks/event_types.h"
#include "webhooks/inbox_writer.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;
using Done = std::map<std::string, int>;

constexpr const char* kReading = "sync.read_transactions";

struct Freshness : SyncTest {
  Freshness()
      : syncer(db(), *client, appliers, clock, {}),
        jobs(db(), clock, handlers()),
        shop(sim.connected().front()) {}
  std::vector<jobs::Handler> handlers() {
    auto all = sync_handlers(syncer, db(), *client, appliers);
    all.push_back(read_transactions_handler(db(), *client, appliers, clock));
    for (auto& handler : mirror::mirror_handlers(db(), *client, appliers))
      all.push_back(std::move(handler));
    return all;
  }

  // What Stripe delivers of the account since `since`, applied a few events at a time.
  std::size_t deliver(Time since, int batch = 20) {
    webhooks::InboxWriter writer(db(), clock, std::nullopt);
    std::size_t delivered = 0;
    Json params{{"limit", 100}, {"created", {{"gte", to_unix(since)}}}};
    for (bool more = true; more;) {
      const Json page = ask("GET", "/v1/events", params, shop);
      more = page.at("has_more");
      for (Json event : page.at("data")) {
        params["starting_after"] = event.at("id");
        event["account"] = shop;
        const std::string body = event.dump();
        webhooks::Received received{.head = *webhooks::read_head(body),
                                    .body = body,
                                    .organization = {},
                                    .disposition = {}};
        writer.store({&received, 1});
        ++delivered;
      }
    }
    webhooks::ApplyWorkers workers(db(), appliers, {.threads = 0, .batch = batch});
    while (workers.apply_batch() > 0) {
    }
    return delivered;
  }
  void charge(int count = 3) {
    ASSERT_TRUE(sim.activity(shop, {{"charges", count}}).ok());
    wait(2s);
  }
  Figures rows_of_shop(Figures all) {
    std::erase_if(all, [&](const auto& one) { return !one.first.starts_with(shop + " rows "); });
    return all;
  }
  std::optional<Time> known_until(std::optional<std::string> account) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::optional<Time>> {
      return fresh_until(tx, platform, account);
    });
  }
  void ask_for_reading() {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      const jobs::Job job = mirror::read_transactions_job(platform, shop);
      jobs::enqueue_missing(tx, {&job, 1});
      return {};
    });
  }
  std::int64_t readings(const std::string& state) {
    return number(
        fmt::format("SELECT count(*) FROM jobs WHERE kind = '{}' AND state = '{}'"
                    " AND unique_key NOT LIKE '%/last'",
                    kReading, state));
  }
  // What is younger than five minutes may not be listed yet.
  void expect_just_read() {
    const auto known = known_until(shop);
    ASSERT_TRUE(known.has_value());
    EXPECT_NEAR(static_cast<double>(to_unix(*known)),
                static_cast<double>(to_unix(clock.now() - 5min)), 2);
  }

  Syncer syncer;
  support::JobRunner jobs;
  const std::string shop;
};

TEST_F(Freshness, WhatAnEventTellsIsInTheMirrorWithoutARun) {
  expect_succeeded(sync());
  wait(10min);
  const Time before = clock.now();
  charge();
  ASSERT_GT(deliver(before), 0u);
  EXPECT_NE(rows_of_shop(mirrored()), rows_of_shop(simulated()));
  const Done done = jobs.run_all();
  EXPECT_EQ(done.at(kReading), 1);
  EXPECT_FALSE(done.contains("sync.run"));
  EXPECT_EQ(rows_of_shop(mirrored()), rows_of_shop(simulated()));
  expect_just_read();
  // The other accounts are as old as their run.
  EXPECT_EQ(known_until(std::nullopt), from_unix(to_unix(before)) - 10min);
  const auto standing =
      db().transact([](pg::Tx& tx) -> Result<Standing> { return sync::standing(tx); });
  EXPECT_EQ(standing->fresh_until, known_until(std::nullopt));
}

TEST_F(Freshness, FiveHundredEventsAskOnce) {
  expect_succeeded(sync());
  wait(10min);
  const Time before = clock.now();
  charge(250);
  ASSERT_GE(deliver(before), 500u);
  EXPECT_EQ(readings("ready"), 1);
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  EXPECT_EQ(rows_of_shop(mirrored()), rows_of_shop(simulated()));
}

TEST_F(Freshness, AnEventThatMovesNoBalanceAsksForNothing) {
  expect_succeeded(sync());
  wait(10min);
  const Time before = clock.now();
  ask("POST", "/v1/customers", {{"name", "Jo"}}, shop);
  ASSERT_GT(deliver(before), 0u);
  EXPECT_EQ(readings("ready") + readings("scheduled"), 0);
}

TEST_F(Freshness, AnAccountIsReadOnceAMinute) {
  expect_succeeded(sync());
  wait(10min);
  ask_for_reading();
  const auto sends = client->counts().sends;
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  EXPECT_EQ(client->counts().sends, sends + 1);
  const Time before = clock.now();
  charge();
  deliver(before);
  jobs.run_all();
  EXPECT_EQ(client->counts().sends, sends + 1);  // put off
  EXPECT_EQ(readings("scheduled"), 1);
  deliver(before);
  ask_for_reading();
  EXPECT_EQ(jobs.run_all(), Done{});  // the one that waits stands for all
  EXPECT_EQ(readings("scheduled"), 1);
  clock.advance(1min);
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  EXPECT_EQ(client->counts().sends, sends + 2);
  EXPECT_EQ(rows_of_shop(mirrored()), rows_of_shop(simulated()));
}

TEST_F(Freshness, TwoInstancesDoNotReadAnAccountTwice) {
  expect_succeeded(sync());
  wait(10min);
  const auto elsewhere = another();
  support::JobRunner other(*elsewhere, clock, handlers());
  const auto sends = client->counts().sends;
  ask_for_reading();
  const auto first = jobs.claim_all();
  ask_for_reading();  // while the first is under way
  const auto second = other.claim_all();
  ASSERT_EQ(first.size() + second.size(), 2u);
  {
    const std::jthread beside([&] { other.run(second.front()); });
    jobs.run(first.front());
  }
  EXPECT_EQ(client->counts().sends, sends + 1);
  EXPECT_EQ(readings("scheduled"), 1);
}

TEST_F(Freshness, AReadingThatStripeCantServeNowIsRepeatedLater) {
  expect_succeeded(sync());
  wait(10min);
  const Time before = clock.now();
  charge();
  deliver(before);
  fault({{"path", "/v1/balance_transactions"}, {"do", "status"}, {"status", 503}, {"count", 0}});
  const auto known = known_until(shop);
  EXPECT_EQ(jobs.run_all(), (Done{{std::string(kReading) + " retry", 1}}));
  EXPECT_EQ(known_until(shop), known);
  sim.faults().clear();
  clock.advance(1min);
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  EXPECT_EQ(rows_of_shop(mirrored()), rows_of_shop(simulated()));
}

TEST_F(Freshness, ADeauthorizedAccountsReadingEnds) {
  expect_succeeded(sync());
  wait(10min);
  ASSERT_TRUE(sim.activity(shop, {{"deauthorizations", 1}}).ok());
  ask_for_reading();
  EXPECT_EQ(jobs.run_all(), (Done{{kReading, 1}}));
  EXPECT_EQ(readings("ready") + readings("scheduled") + readings("dead"), 0);
}

TEST_F(Freshness, AnAccountThatNoRunHasListedIsLeftToARun) {
  connect(platform, shop);
  EXPECT_EQ(known_until(shop), std::nullopt);
  ask_for_reading();
  const auto sends = client->counts().sends;
  EXPECT_EQ(jobs.run_all(), (Done{{kReading, 1}}));
  EXPECT_EQ(client->counts().sends, sends);
  expect_succeeded(sync());
  EXPECT_EQ(known_until(shop), from_unix(to_unix(clock.now())));
  connect(platform, "acct_1NeverSynced0001");
  EXPECT_EQ(known_until(std::nullopt), std::nullopt);
}

TEST_F(Freshness, ARunMovesItOnAndNothingMovesItBack) {
  expect_succeeded(sync());
  wait(10min);
  ask_for_reading();
  jobs.run_all();
  expect_just_read();
  wait(10min);
  expect_succeeded(sync());
  const auto listed = known_until(shop);
  EXPECT_EQ(listed, from_unix(to_unix(clock.now())));
  wait(1min);
  ask_for_reading();
  jobs.run_all();
  EXPECT_EQ(known_until(shop), listed);
}

TEST_F(Freshness, WhatStripeListsLateIsReadByOneMore) {
  expect_succeeded(sync());
  wait(10min);
  ask_for_reading();
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  charge();  // and no event comes
  clock.advance(5min);
  EXPECT_EQ(jobs.run_all().at(kReading), 1);
  EXPECT_EQ(rows_of_shop(mirrored()), rows_of_shop(simulated()));
  clock.advance(5min);
  EXPECT_EQ(jobs.run_all().at(kReading), 1);  // the one before found something
  clock.advance(1h);
  EXPECT_EQ(jobs.run_all(), Done{});
}

}  // namespace
}  // namespace payoutd::sync
