// Replies that wait for their commit.
#include "http/hold.h"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "world.h"

namespace payoutd::http {
namespace {

class Holding : public ::testing::Test {
 protected:
  void SetUp() override {
    const Handler keeps = [this](Context& c) {
      Hold hold = c.hold();
      const std::scoped_lock lock(mutex);
      holds.push_back(std::move(hold));
      return Reply::text(200, "committed " + std::string(c.request.query_value("n").value_or("")));
    };
    world.on("POST", "/held", keeps, Runs::on_loop);
    world.on("POST", "/held/worker", keeps);
    world.on("POST", "/quick", [](Context& c) {
      c.hold().send();  // the commit was faster than the handler's return
      return Reply::text(200, "quick");
    });
    world.on("POST", "/quick/refused", [](Context& c) {
      c.hold().refuse({Kind::refused, "replaced", "by another"});
      return Reply::text(200, "never");
    });
    world.on("POST", "/throws", [this](Context& c) -> Reply {
      Hold hold = c.hold();
      const std::scoped_lock lock(mutex);
      holds.push_back(std::move(hold));
      throw std::runtime_error("after the hold");
    });
    world.on("POST", "/dropped", [](Context& c) {
      (void)c.hold();
      return Reply::text(200, "never");
    });
    world.start();
  }
  bool held(std::size_t count) {
    return eventually([&] {
      const std::scoped_lock lock(mutex);
      return holds.size() == count;
    });
  }
  World world;
  std::mutex mutex;
  std::vector<Hold> holds;
};

TEST_F(Holding, NothingLeavesBeforeTheCommit) {
  for (const auto* path : {"/held?n=1", "/held/worker?n=1"}) {
    Client client = world.client();
    client.send(post(path, ""));
    ASSERT_TRUE(held(1));
    EXPECT_EQ(client.read(50).status, 0);
    holds[0].send();
    EXPECT_EQ(client.read().body, "committed 1");
    EXPECT_EQ(client.ask(get("/hello")).status, 200);
    holds.clear();
  }
}

TEST_F(Holding, AFailedCommitRefusesInPlaceOfTheReply) {
  Client client = world.client();
  client.send(post("/held", ""));
  ASSERT_TRUE(held(1));
  holds[0].refuse({Kind::retry, "commit_failed", "try again"});
  const Answered answered = client.read();
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "commit_failed");
  EXPECT_EQ(Json::parse(answered.body).at("error").at("request_id"),
            answered.header("x-request-id"));
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST_F(Holding, ADroppedHoldIs503) {
  for (const auto* path : {"/held", "/held/worker"}) {
    Client client = world.client();
    client.send(post(path, ""));
    ASSERT_TRUE(held(1));
    holds.clear();
    const Answered answered = client.read();
    EXPECT_EQ(answered.status, 503);
    EXPECT_EQ(answered.code(), "not_confirmed");
    EXPECT_EQ(answered.header("retry-after"), "1");
  }
  EXPECT_EQ(world.ask(post("/dropped", "")).code(), "not_confirmed");
}

TEST_F(Holding, MayDecideBeforeTheHandlerReturns) {
  Client client = world.client();
  EXPECT_EQ(client.ask(post("/quick", "")).body, "quick");
  EXPECT_EQ(client.ask(post("/quick/refused", "")).code(), "replaced");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(Holding, AHandlerThatThrowsIsAnsweredAtOnce) {
  Client client = world.client();
  EXPECT_EQ(client.ask(post("/throws", "")).status, 500);
  client.send(post("/held?n=2", ""));
  ASSERT_TRUE(held(2));
  holds[0].send();  // of the request before: must not release this one
  EXPECT_EQ(client.read(50).status, 0);
  holds[1].send();
  EXPECT_EQ(client.read().body, "committed 2");
}

TEST_F(Holding, OutlivesItsConnectionAndTheNextOneInItsPlace) {
  Client first = world.client();
  first.send(post("/held?n=1", ""));
  ASSERT_TRUE(held(1));
  first.reset();
  ASSERT_TRUE(eventually([&] { return world.server().counts().open_connections == 0; }));
  Client second = world.client();
  second.send(post("/held?n=2", ""));
  ASSERT_TRUE(held(2));
  holds[0].send();
  EXPECT_EQ(second.read(50).status, 0);
  holds[1].send();
  EXPECT_EQ(second.read().body, "committed 2");
}

TEST_F(Holding, LaterRequestsOfTheConnectionWait) {
  Client client = world.client();
  client.send(post("/held?n=1", "") + get("/hello") + post("/held?n=2", ""));
  ASSERT_TRUE(held(1));
  EXPECT_EQ(client.read(50).status, 0);
  holds[0].send();
  EXPECT_EQ(client.read().body, "committed 1");
  EXPECT_EQ(client.read().body, "hello");
  ASSERT_TRUE(held(2));
  holds[1].send();
  EXPECT_EQ(client.read().body, "committed 2");
}

TEST_F(Holding, ManyAreSentAtOnce) {
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(world.client());
    clients.back().send(post("/held?n=" + std::to_string(i), ""));
  }
  ASSERT_TRUE(held(200));
  EXPECT_EQ(world.server().counts().in_flight, 200u);
  Hold::send_all(holds);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].read().body, "committed " + std::to_string(i));
  }
  Hold::send_all(holds);  // sent already: nothing
  EXPECT_EQ(world.server().counts().in_flight, 0u);
}

TEST_F(Holding, StopWaitsForIt) {
  Client client = world.client();
  client.send(post("/held?n=1", ""));
  ASSERT_TRUE(held(1));
  std::jthread stopping([&] { EXPECT_TRUE(world.server().stop()); });
  EXPECT_TRUE(eventually([&] { return !world.client().connected(); }));
  holds[0].send();
  const Answered answered = client.read();
  EXPECT_EQ(answered.body, "committed 1");
  EXPECT_EQ(answered.header("connection"), "close");
}

TEST(Hold, OutlivesTheServer) {
  Hold hold;
  {
    Limits limits;
    limits.drain_ms = 50;
    World world(limits);
    world.on(
        "POST", "/held",
        [&](Context& c) {
          hold = c.hold();
          return Reply::text(200, "x");
        },
        Runs::on_loop);
    world.start();
    Client client = world.client();
    client.send(post("/held", ""));
    ASSERT_TRUE(eventually([&] { return world.server().counts().in_flight == 1; }));
    EXPECT_FALSE(world.server().stop());
  }
  hold.send();
}

TEST(Hold, OutsideAServerHoldsNothing) {
  const Request request;
  Context context(request);
  context.hold().send();
}

}  // namespace
}  // namespace payoutd::http
