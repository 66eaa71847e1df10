// The memory for bodies: bytes count when they have arrived, and those who hold them for long give
// way to those who don't.
#include "world.h"

namespace payoutd::http {
namespace {

Limits thousand_bytes() {
  Limits limits;
  limits.max_bodies_bytes = 1'000;
  return limits;
}

std::string head_of(std::size_t size) {
  return "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

TEST(Bodies, ThatAreOnlyAnnouncedTakeNoRoom) {
  World world(thousand_bytes());
  world.start();
  std::vector<Client> silent;
  for (int i = 0; i < 129; ++i) {
    silent.push_back(world.client());
    ASSERT_TRUE(silent.back().send(head_of(900) + "x"));
  }
  ASSERT_TRUE(eventually([&] { return world.server().counts().open_connections == 129; }));
  const Answered answered = world.ask(post("/echo", std::string(800, 'y')));
  EXPECT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(answered.body, std::string(800, 'y'));
}

TEST(Bodies, OfTheSlowThatHoldMostGiveWayToNewcomers) {
  World world(thousand_bytes());
  world.start();
  Client most = world.client();
  most.send(head_of(900) + std::string(600, 'a'));
  Client less = world.client();
  less.send(head_of(900) + std::string(300, 'b'));
  // Who comes is served, and once both have arrived that costs the one that holds most its place.
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(world.ask(post("/echo", std::string(200, 'c'))).status, 200);
    return world.server().counts().rejected > 0;
  }));
  const Answered ended = most.read();
  EXPECT_EQ(ended.status, 503);
  EXPECT_EQ(ended.code(), "overloaded");
  const Answered whole = less.ask(std::string(600, 'b'));
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, std::string(900, 'b'));
}

TEST(Bodies, ThatAreWholeKeepTheirRoomUntilTheyAreAnswered) {
  World world(thousand_bytes());
  world.on("POST", "/keep", [&](Context& c) {
    ++world.entered;
    world.gate.acquire();
    return Reply::text(200, c.request.body);
  });
  world.start();
  Client first = world.client();
  Client second = world.client();
  first.send(post("/keep", std::string(500, 'a')));
  second.send(post("/keep", std::string(400, 'b')));
  ASSERT_TRUE(eventually([&] { return world.entered == 2; }));
  EXPECT_EQ(world.ask(post("/echo", std::string(200, 'c'))).code(), "overloaded");
  Client small = world.client();
  small.send(post("/echo", std::string(50, 'd')));  // is accepted, and waits for a worker
  world.gate.release(2);
  EXPECT_EQ(first.read().body, std::string(500, 'a'));
  EXPECT_EQ(second.read().body, std::string(400, 'b'));
  EXPECT_EQ(small.read().body, std::string(50, 'd'));
  EXPECT_EQ(world.ask(post("/echo", std::string(900, 'e'))).status, 200);
}

}  // namespace
}  // namespace payoutd::http
