#include "http/server.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "http/metrics.h"
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
  EXPECT_EQ(hello.header("server"), "payoutd");
  EXPECT_EQ(client.ask(get("/work")).body, "worked");
  EXPECT_EQ(client.ask(post("/echo", "abc")).body, "abc");
  EXPECT_NE(client.ask(get("/hello")).header("x-request-id"), hello.header("x-request-id"));
}

TEST(Serving, AnswersHeadWithoutABody) {
  World world;
  world.start();
  Client client = world.client();
  client.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  const Answered head = client.read(5'000, true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "5");
  EXPECT_EQ(client.ask(get("/work")).body, "worked");
}

TEST(Serving, NoContentHasNoLength) {
  World world;
  world.on("DELETE", "/thing", [](Context&) {
    Reply reply;
    reply.status = 204;
    return reply;
  });
  world.start();
  Client client = world.client();
  const Answered gone = client.ask("DELETE /thing HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.header("content-length"), "");
  EXPECT_EQ(client.ask(get("/work")).body, "worked");
}

TEST(Serving, GivesPathQueryAndParams) {
  World world;
  world.on("GET", "/api/payouts/:id/events/:n", [](Context& c) {
    return Reply::text(200, c.request.path + "|" + std::string(c.request.param("id")) + "|" +
                                std::string(c.request.param("n")) + "|" +
                                std::string(*c.request.query_value("q")) + "|" + c.request.target);
  });
  world.start();
  EXPECT_EQ(world.ask(get("/payouts/a%2Fb/events/7?q=1+2?")).body,
            "/payouts/a/b/events/7|a/b|7|1 2?|/payouts/a%2Fb/events/7?q=1+2?");
}

TEST(Serving, SaysWhatIsNotThere) {
  World world;
  world.start();
  Client client = world.client();
  const Answered missing = client.ask(get("/nothing"));
  EXPECT_EQ(missing.status, 404);
  const Json error = Json::parse(missing.body)["error"];
  EXPECT_EQ(error["type"], "not_found_error");
  EXPECT_EQ(error["request_id"], missing.header("x-request-id"));
  EXPECT_TRUE(error["param"].is_null());
  EXPECT_EQ(error["details"], Json::array());
  const Answered other = client.ask("DELETE /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.header("allow"), "GET, HEAD");
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

TEST(Serving, TakesThePortAgainAtOnce) {
  World world;
  world.start();
  const std::uint16_t port = world.port();
  Client client = world.client();
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  EXPECT_TRUE(world.server().stop());  // closes first: the port is now in TIME_WAIT
  World second;
  second.options().port = port;
  second.start();
  EXPECT_EQ(second.ask(get("/hello")).status, 200);
}

TEST(Serving, PipelinedRequestsAreAnsweredInOrder) {
  World world;
  world.start();
  Client client = world.client();
  client.send(get("/work") + post("/echo", "two") + get("/hello"));
  EXPECT_EQ(client.read().body, "worked");
  EXPECT_EQ(client.read().body, "two");
  EXPECT_EQ(client.read().body, "hello");
}

TEST(Serving, AThousandPipelinedRequestsLeaveOthersTheirTurn) {
  World world;
  world.start();
  Client greedy = world.client();
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += get("/hello");
  greedy.send(many);
  EXPECT_EQ(world.ask(get("/hello")).status, 200);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(greedy.read().status, 200) << i;
}

TEST(Serving, AnswersAClientThatHasFinishedSending) {
  World world;
  world.start();
  Client client = world.client();
  client.send(get("/work") + get("/hello"));
  client.end_sending();
  EXPECT_EQ(client.read().body, "worked");
  EXPECT_EQ(client.read().body, "hello");
  EXPECT_TRUE(client.ended());
}

TEST(Failing, AnExceptionSaysNothingToTheClient) {
  World world;
  world.on("GET", "/broken", [](Context&) -> Reply {
    CHECK(1 + 1 == 3);
    return {};
  });
  world.on(
      "GET", "/loop", [](Context&) -> Reply { throw std::runtime_error("secret 42"); },
      Runs::on_loop);
  world.on("GET", "/odd", [](Context&) -> Reply { throw 42; });
  world.start();
  Client client = world.client();
  for (const auto* path : {"/broken", "/loop", "/odd"}) {
    const Answered answered = client.ask(get(path));
    EXPECT_EQ(answered.status, 500);
    EXPECT_EQ(answered.code(), "internal");
    EXPECT_EQ(Json::parse(answered.body)["error"]["request_id"], answered.header("x-request-id"));
    EXPECT_EQ(answered.head.find("secret"), std::string::npos);
    EXPECT_EQ(answered.head.find("EXCEPTION"), std::string::npos);
    EXPECT_EQ(answered.body.find("secret"), std::string::npos);
    EXPECT_EQ(answered.body.find("1 + 1"), std::string::npos);
  }
}

TEST(Failing, TheAppSaysWhatAnExceptionMeans) {
  World world;
  world.on("GET", "/lost", [](Context&) -> Reply { throw std::out_of_range("database"); });
  world.router.explain_with(
      [](const std::exception& error, const Request& request) -> std::optional<Reply> {
        if (dynamic_cast<const std::out_of_range*>(&error) == nullptr) return std::nullopt;
        return error_reply({Kind::retry, "database_lost", "try again"}, request.request_id);
      });
  world.start();
  const Answered answered = world.ask(get("/lost"));
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "database_lost");
  EXPECT_EQ(answered.header("retry-after"), "1");
}

TEST(Failing, AReplyCannotAddALineToItsHead) {
  World world;
  world.on("GET", "/split",
           [](Context&) { return Reply::text(200, "x").with("X-A", "b\r\nSet-Cookie: c"); });
  world.start();
  const Answered answered = world.ask(get("/split"));
  EXPECT_EQ(answered.status, 500);
  EXPECT_EQ(answered.head.find("Set-Cookie"), std::string::npos);
}

TEST(Access, AsksTheAuthenticatorOnlyForGuardedRoutes) {
  World world;
  Route guarded{"GET", "/guarded", "read", [](Context& c) {
                  return Reply::text(200, std::any_cast<std::string>(c.request.principal));
                }};
  world.router.add(std::move(guarded));
  world.router.authenticate_with([](Request& request, const Route& route) -> std::optional<Reply> {
    EXPECT_EQ(route.access, "read");
    if (!request.header("authorization")) {
      return error_reply({Kind::unauthorized, "key_missing", "give a key"}, request.request_id);
    }
    request.principal = std::string("me");
    return std::nullopt;
  });
  world.router.wrap_with([](Context& c, const Route& route, const Handler& handler) {
    return handler(c).with("X-Route", route.pattern);
  });
  world.start();
  EXPECT_EQ(world.ask(get("/guarded")).status, 401);
  EXPECT_EQ(world.ask(get("/hello")).status, 200);
  const Answered answered = world.ask(get("/guarded", "Authorization: Bearer x\r\n"));
  EXPECT_EQ(answered.body, "me");
  EXPECT_EQ(answered.header("x-route"), "/guarded");
}

TEST(Wire, CanFailAsANetworkDoes) {
  World world;
  world.on("GET", "/reset", [](Context&) {
    Reply reply = Reply::text(200, "x");
    reply.wire = Wire::reset;
    return reply;
  });
  world.on("GET", "/truncate", [](Context&) {
    Reply reply = Reply::text(200, "0123456789");
    reply.wire = Wire::truncated;
    return reply;
  });
  world.start();
  Client reset = world.client();
  EXPECT_EQ(reset.ask(get("/reset")).status, 0);
  EXPECT_TRUE(reset.was_reset());
  Client truncated = world.client();
  EXPECT_EQ(truncated.ask(get("/truncate")).status, 0);
  EXPECT_TRUE(truncated.unread().ends_with("\r\n\r\n01234"));
}

TEST(Metrics, KnowRoutesAndNeverPaths) {
  World world;
  Metrics metrics;
  world.options().metrics = &metrics;
  world.on("GET", "/api/payouts/:id", [](Context&) { return Reply::text(200, "x"); });
  world.start();
  EXPECT_EQ(world.ask(get("/api/payouts/secret_id")).status, 200);
  EXPECT_EQ(world.ask(get("/no/secret_path")).status, 404);
  EXPECT_EQ(world.ask("nonsense\r\n\r\n").status, 400);
  world.server().stop();
  const std::string text = metrics.text();
  EXPECT_NE(
      text.find("http_requests_total{method=\"GET\",route=\"/api/payouts/:id\",status=\"200\"} 1"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("route=\"unmatched\",status=\"404\"} 1"), std::string::npos);
  EXPECT_NE(text.find("http_request_seconds_count{route=\"/api/payouts/:id\"} 1"),
            std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace payoutd::http
