#include "http/server.h"

#include <gtest/gtest.h>

#include "world.h"

namespace payoutd::http {
namespace {

TEST(Serving, AnswersFromLoopAndWorker) {
  World world;
  world.start();
  Client client = world.client();
  const Answered hello = client.ask(get("/hello"));
  EXPECT_EQ(hello.status, 200);
  EXPECT_EQ(hello.body, "hello");
  EXPECT_EQ(hello.header("content-type"), "text/plain");
  EXPECT_TRUE(hello.header("x-request-id").starts_with("req_"));
  EXPECT_EQ(hello.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(hello.header("cache-control"), "no-store");
  EXPECT_EQ(client.ask(get("/work")).body, "worked");
  EXPECT_EQ(client.ask(post("/echo", "abc")).body, "abc");
}

TEST(Serving, RefusesASecondServerOnThePort) {
  World world;
  world.start();
  World second;
  second.options().port = world.port();
  Server server(std::move(second.router), second.options());
  const auto started = server.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "port_taken");
  EXPECT_NE(started.error().message.find(std::to_string(world.port())), std::string::npos);
}

}  // namespace
}  // namespace payoutd::http
