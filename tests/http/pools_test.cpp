// What waits for one thing never holds the threads of another.
#include "world.h"

namespace payoutd::http {
namespace {

struct HandlerPools : testing::Test {
  HandlerPools() : world(limits(), 2) {
    world.options().stripe_workers = 2;
    world.options().sync_workers = 1;
    world.on(
        "GET", "/stripe",
        [this](Context&) {
          ++at_stripe;
          stripe.acquire();
          return Reply::text(200, "paid");
        },
        Runs::on_stripe_worker);
    Route reading{"GET", "/sync", "", [this](Context& context) {
                    if (prefers_async(context.request)) return Reply::text(202, "queued");
                    ++at_sync;
                    syncing.acquire();
                    return Reply::text(200, "synced");
                  }};
    reading.runs = Runs::on_sync_worker;
    reading.runs_async = Runs::on_worker;
    world.router.add(std::move(reading));
    world.on(
        "GET", "/probe", [](Context&) { return Reply::text(200, "well"); }, Runs::on_probe_worker);
    world.start();
  }
  ~HandlerPools() override {
    stripe.release(100);
    syncing.release(100);
  }
  static Limits limits() {
    Limits limits;
    limits.max_queued_for_stripe = 1;
    limits.max_queued_for_sync = 1;
    return limits;
  }
  Client asking(const char* path) {
    Client client = world.client();
    client.send(get(path));
    return client;
  }

  // Two that a thread each has taken up: the line beside them has room for one only.
  bool both_wait(std::vector<Client>& slow, const char* path, const std::atomic<int>& entered) {
    for (int i = 1; i <= 2; ++i) {
      slow.push_back(asking(path));
      if (!eventually([&] { return entered == i; })) return false;
    }
    return true;
  }

  World world;
  std::counting_semaphore<> stripe{0};
  std::counting_semaphore<> syncing{0};
  std::atomic<int> at_stripe = 0;
  std::atomic<int> at_sync = 0;
};

TEST_F(HandlerPools, WhatWaitsForStripeLeavesReadsAlone) {
  std::vector<Client> slow;
  ASSERT_TRUE(both_wait(slow, "/stripe", at_stripe));
  slow.push_back(asking("/stripe"));
  ASSERT_TRUE(eventually([&] { return world.server().counts().queued == 1; }));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(world.ask(get("/work")).body, "worked");
  EXPECT_EQ(world.ask(get("/probe")).body, "well");
  // The line has an end.
  const Answered refused = world.ask(get("/stripe"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "overloaded");
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(at_stripe, 2);
  stripe.release(3);
  for (Client& client : slow) EXPECT_EQ(client.read().body, "paid");
}

TEST_F(HandlerPools, SyncsLeaveWhatMovesMoneyAlone) {
  std::vector<Client> slow;
  slow.push_back(asking("/sync"));
  ASSERT_TRUE(eventually([&] { return at_sync == 1; }));
  slow.push_back(asking("/sync"));
  ASSERT_TRUE(eventually([&] { return world.server().counts().queued == 1; }));
  stripe.release(1);
  EXPECT_EQ(world.ask(get("/stripe")).body, "paid");
  EXPECT_EQ(world.ask(get("/work")).body, "worked");
  EXPECT_EQ(world.ask(get("/sync", "Prefer: respond-async\r\n")).body, "queued");
  const Answered refused = world.ask(get("/sync"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "overloaded");
  EXPECT_EQ(at_sync, 1);
  syncing.release(2);
  for (Client& client : slow) EXPECT_EQ(client.read().body, "synced");
}

TEST_F(HandlerPools, ProbesAreAnsweredWhileEverythingElseWaits) {
  std::vector<Client> slow;
  ASSERT_TRUE(both_wait(slow, "/stripe", at_stripe));
  ASSERT_TRUE(both_wait(slow, "/slow", world.entered));
  EXPECT_EQ(world.ask(get("/probe")).body, "well");
  stripe.release(2);
  world.gate.release(2);
  for (Client& client : slow) EXPECT_EQ(client.read().status, 200);
}

}  // namespace
}  // namespace payoutd::http
