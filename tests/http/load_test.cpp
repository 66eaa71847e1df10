// Many, slow, idle and greedy clients; and the end.
#include <gtest/gtest.h>

#include <vector>

#include "world.h"

namespace payoutd::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

TEST(Idle, ThousandsOfConnectionsDelayNobody) {
  World world;
  world.start();
  std::vector<Client> idle;
  for (int i = 0; i < 4'000; ++i) {
    idle.push_back(world.client());
    ASSERT_TRUE(idle.back().connected());
  }
  EXPECT_EQ(idle.back().ask(get("/hello")).status, 200);
  EXPECT_TRUE(eventually([&] { return world.server().counts().open_connections == 4'000; }));
  const auto start = steady_clock::now();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(idle[static_cast<std::size_t>(i)].ask(get("/work")).status, 200);
  EXPECT_LT(since(start), milliseconds(5'000));
}

TEST(Slow, ClientsDelayNobody) {
  World world;
  world.start();
  std::vector<Client> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(world.client());
    slow.back().send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
  }
  const auto start = steady_clock::now();
  EXPECT_EQ(world.ask(get("/work")).body, "worked");
  EXPECT_LT(since(start), milliseconds(5'000));
  for (Client& client : slow) EXPECT_EQ(client.ask("56789").body, "0123456789");
}

TEST(Deadline, ARequestThatDoesNotArriveIsAnswered408) {
  Limits limits;
  limits.request_ms = 100;
  World world(limits);
  world.start();
  Client head = world.client();
  Client body = world.client();
  head.send("GET /hel");
  body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0");
  for (Client* client : {&head, &body}) {
    const Answered answered = client->read();
    EXPECT_EQ(answered.status, 408);
    EXPECT_EQ(answered.code(), "request_timeout");
    EXPECT_TRUE(client->ended());
  }
  EXPECT_EQ(world.server().counts().timeouts, 2u);
}

TEST(Deadline, DrippingBytesDoesNotExtendIt) {
  Limits limits;
  limits.request_ms = 200;
  World world(limits);
  world.start();
  Client client = world.client();
  const auto start = steady_clock::now();
  Answered answered;
  while (answered.status == 0 && since(start) < milliseconds(10'000)) {
    if (!client.send("x")) break;
    answered = client.read(20);
  }
  EXPECT_EQ(answered.status, 408);
  EXPECT_LT(since(start), milliseconds(5'000));
}

TEST(Deadline, AnIdleConnectionIsClosedInSilence) {
  Limits limits;
  limits.idle_ms = 100;
  World world(limits);
  world.start();
  Client fresh = world.client();
  Client kept = world.client();
  EXPECT_EQ(kept.ask(get("/hello")).status, 200);
  EXPECT_TRUE(fresh.ended());
  EXPECT_TRUE(kept.ended());
}

TEST(Deadline, AnAnswerThatIsNotReadIsGivenUp) {
  Limits limits;
  limits.write_ms = 100;
  World world(limits);
  const std::string large(20 * 1024 * 1024, 'x');
  world.on("GET", "/large", [&](Context&) { return Reply::text(200, large); });
  world.start();
  Client client(world.port(), 4'096);
  client.send(get("/large"));
  EXPECT_TRUE(eventually([&] { return world.server().counts().timeouts == 1; }));
  EXPECT_TRUE(eventually([&] { return world.server().counts().open_connections == 0; }));
}

TEST(Slow, AReaderGetsALargeAnswerWhole) {
  World world;
  const std::string large(20 * 1024 * 1024, 'x');
  world.on("GET", "/large", [&](Context&) { return Reply::text(200, large); });
  world.start();
  Client client(world.port(), 16 * 1024);
  client.send(get("/large") + get("/hello"));
  EXPECT_EQ(client.read(20'000).body, large);
  EXPECT_EQ(client.read().body, "hello");
}

TEST(Full, TheQueueIsAnswered503AtOnce) {
  Limits limits;
  limits.max_queued = 2;
  World world(limits, 1);
  world.start();
  std::vector<Client> clients;
  clients.push_back(world.client());
  clients.back().send(get("/slow"));
  ASSERT_TRUE(eventually([&] { return world.entered == 1; }));
  for (int i = 0; i < 2; ++i) {
    clients.push_back(world.client());
    clients.back().send(get("/slow"));
  }
  ASSERT_TRUE(eventually([&] { return world.server().counts().queued == 2; }));
  Client late = world.client();
  const Answered answered = late.ask(get("/work"));
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "overloaded");
  EXPECT_EQ(answered.header("retry-after"), "1");
  EXPECT_EQ(late.ask(get("/hello")).status, 200);  // the loop itself is free, the connection kept
  world.gate.release(3);
  for (Client& client : clients) EXPECT_EQ(client.read().body, "slow");
}

TEST(Full, BeyondMaxConnectionsIs503AtOnce) {
  Limits limits;
  limits.max_connections = 3;
  World world(limits);
  world.start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(world.client());
    ASSERT_EQ(clients.back().ask(get("/hello")).status, 200);
  }
  Client extra = world.client();
  const Answered answered = extra.ask(get("/hello"));
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "too_many_connections");
  EXPECT_EQ(answered.header("retry-after"), "1");
  EXPECT_TRUE(extra.ended());
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return world.ask(get("/hello")).status == 200; }));
}

TEST(Stop, FinishesWhatWasAcceptedAndClosesTheIdle) {
  World world({}, 1);
  world.start();
  Client idle = world.client();
  ASSERT_EQ(idle.ask(get("/hello")).status, 200);
  Client running = world.client();
  running.send(get("/slow"));
  ASSERT_TRUE(eventually([&] { return world.entered == 1; }));
  Client queued = world.client();
  queued.send(get("/work"));
  ASSERT_TRUE(eventually([&] { return world.server().counts().queued == 1; }));
  Client partial = world.client();
  partial.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nha");
  ASSERT_TRUE(eventually([&] { return world.server().counts().open_connections == 4; }));

  const auto start = steady_clock::now();
  bool finished = false;
  std::jthread stopping([&] { finished = world.server().stop(); });
  EXPECT_TRUE(idle.ended());
  EXPECT_LT(since(start), milliseconds(5'000));
  EXPECT_TRUE(eventually([&] { return !world.client().connected(); }));
  partial.send("lf");
  world.gate.release(1);
  for (auto& [client, body] : std::vector<std::pair<Client*, std::string>>{
           {&running, "slow"}, {&queued, "worked"}, {&partial, "half"}}) {
    const Answered answered = client->read();
    EXPECT_EQ(answered.body, body);
    EXPECT_EQ(answered.header("connection"), "close");
    EXPECT_TRUE(client->ended());
  }
  stopping.join();
  EXPECT_TRUE(finished);
  EXPECT_LT(since(start), milliseconds(9'000));
}

TEST(Stop, AnswersPipelinedRequestsBeforeItCloses) {
  World world({}, 1);
  world.start();
  Client client = world.client();
  client.send(get("/slow") + get("/work") + get("/hello"));
  ASSERT_TRUE(eventually([&] { return world.entered == 1; }));
  std::jthread stopping([&] { EXPECT_TRUE(world.server().stop()); });
  EXPECT_TRUE(eventually([&] { return !world.client().connected(); }));
  world.gate.release(1);
  EXPECT_EQ(client.read().body, "slow");
  EXPECT_EQ(client.read().body, "worked");
  const Answered last = client.read();
  EXPECT_EQ(last.body, "hello");
  EXPECT_EQ(last.header("connection"), "close");
}

TEST(Stop, TakesNoLongerThanItsTime) {
  Limits limits;
  limits.drain_ms = 200;
  World world(limits, 1);
  world.start();
  Client stuck = world.client();
  stuck.send(get("/slow"));
  ASSERT_TRUE(eventually([&] { return world.entered == 1; }));
  const auto start = steady_clock::now();
  EXPECT_FALSE(world.server().stop());
  EXPECT_GE(since(start), milliseconds(200));
  EXPECT_LT(since(start), milliseconds(5'000));
  EXPECT_TRUE(stuck.ended());
}

}  // namespace
}  // namespace payoutd::http
