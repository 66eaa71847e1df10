#include "stripe/client.h"

#include <gtest/gtest.h>

#include <future>

#include "base/log.h"
#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void answer_well(WireConnection& connection, const WireRequest&) {
  connection.reply(200, kPayoutBody);
}

TEST(Client, SendsAPostByteForByteWithAllItsHeaders) {
  Wire wire(answer_well);
  const auto client = World(wire).client();
  const std::string body = "amount=1100&metadata[a b]=%C3%BC&raw=\x01";
  const Answer answer = client->send(pay(body).on("acct_1Connected"));
  ASSERT_TRUE(answer.ok()) << answer.error.message;
  EXPECT_EQ(answer.response.body, kPayoutBody);
  EXPECT_EQ(answer.history.sends, 1);
  const WireRequest seen = wire.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v1/payouts");
  EXPECT_EQ(seen.body, body);
  EXPECT_EQ(seen.headers.at("authorization"), std::string("Bearer ") + kTestKey);
  EXPECT_EQ(seen.headers.at("stripe-version"), kApiVersion);
  EXPECT_EQ(seen.headers.at("stripe-account"), "acct_1Connected");
  EXPECT_EQ(seen.headers.at("idempotency-key"), "payout-0190-attempt-1");
  EXPECT_EQ(seen.headers.at("content-type"), "application/x-www-form-urlencoded");
  EXPECT_TRUE(seen.headers.at("user-agent").starts_with("payoutd/"));
  EXPECT_FALSE(seen.headers.contains("expect"));
}

TEST(Client, SendsALargeBodyAtOnce) {
  Wire wire(answer_well);
  const std::string body = "x=" + std::string(3'000'000, 'y');
  ASSERT_TRUE(World(wire).client()->send(pay(body)).ok());
  EXPECT_EQ(wire.requests().at(0).body, body);
}

TEST(Client, SendsAGetWithItsQueryAndWithoutAKey) {
  Wire wire(answer_well);
  const auto client = World(wire).client();
  ASSERT_TRUE(
      client->call(Request::get(v1_path({"payouts", "po_1"}), Form{}.add("expand[]", "a b"))));
  const WireRequest seen = wire.requests().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/v1/payouts/po_1?expand[]=a%20b");
  EXPECT_FALSE(seen.headers.contains("idempotency-key"));
  EXPECT_FALSE(seen.headers.contains("stripe-account"));
}

TEST(Client, SendsADelete) {
  Wire wire(answer_well);
  ASSERT_TRUE(World(wire).client()->send(Request::del("/v1/webhook_endpoints/we_1")).ok());
  EXPECT_EQ(wire.requests().at(0).method, "DELETE");
}

TEST(Client, GivesTheHeadersThatMatter) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.reply(402, stripe_error("card_error", "card_declined"),
                     "request-id: req_2\r\nOriginal-Request: req_1\r\nIdempotent-Replayed: true\r\n"
                     "STRIPE-SHOULD-RETRY: false\r\nRetry-After: 7\r\n");
  });
  const Answer answer = World(wire).client()->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.response.status, 402);
  EXPECT_EQ(answer.response.request_id, "req_2");
  EXPECT_EQ(answer.response.original_request, "req_1");
  EXPECT_TRUE(answer.response.replayed);
  EXPECT_EQ(answer.response.should_retry, false);
  EXPECT_EQ(answer.response.retry_after, seconds{7});
}

TEST(Client, TellsStripesErrorInTypes) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.reply(
        400,
        R"({"error":{"type":"invalid_request_error","code":"amount_too_small","param":"amount",
                         "message":"Amount must be at least 1.","decline_code":"x"}})",
        "Request-Id: req_9\r\n");
  });
  const Answer answer = World(wire).client()->send(pay());
  ASSERT_TRUE(answer.refusal);
  EXPECT_EQ(answer.refusal->type, "invalid_request_error");
  EXPECT_EQ(answer.refusal->decline_code, "x");
  EXPECT_EQ(answer.refusal->request_id, "req_9");
  EXPECT_EQ(answer.error.kind, Kind::unprocessable);
  EXPECT_EQ(answer.error.code, "amount_too_small");
  EXPECT_EQ(answer.error.param, "amount");
  EXPECT_NE(answer.error.message.find("req_9"), std::string::npos);
}

TEST(Client, KindOfAnErrorFollowsItsStatus) {
  const auto kind = [](int status, std::string code = "",
                       std::string type = "invalid_request_error") {
    return to_error({.status = status, .type = std::move(type), .code = std::move(code)}).kind;
  };
  EXPECT_EQ(kind(400), Kind::unprocessable);
  EXPECT_EQ(kind(401), Kind::upstream);
  EXPECT_EQ(kind(402), Kind::unprocessable);
  EXPECT_EQ(kind(403), Kind::upstream);
  EXPECT_EQ(kind(404, "resource_missing"), Kind::missing);
  EXPECT_EQ(kind(404), Kind::upstream);  // a path that Stripe does not know
  EXPECT_EQ(kind(409), Kind::retry);
  EXPECT_EQ(kind(409, "idempotency_key_in_use"), Kind::retry);
  EXPECT_EQ(kind(409, "payout_in_use"), Kind::refused);
  EXPECT_EQ(kind(429, "lock_timeout"), Kind::retry);
  EXPECT_EQ(kind(500), Kind::retry);
}

TEST(Client, KeepsItsConnection) {
  Wire wire(answer_well);
  const auto client = World(wire).client();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client->send(pay()).ok());
  EXPECT_EQ(wire.connections(), 1);
  EXPECT_EQ(client->counts().connections, 1u);
}

TEST(Client, KeepsTwoHundredRequestsInFlight) {
  Wire* held = nullptr;
  Wire wire([&held](WireConnection& connection, const WireRequest&) {
    held->hold();
    connection.reply(200, kPayoutBody);
  });
  held = &wire;
  const auto client = World(wire).client();
  std::atomic<int> done{0};
  for (int i = 0; i < 200; ++i) {
    client->submit(pay(), [&](Answer answer) { done += answer.ok() ? 1 : 0; });
  }
  ASSERT_TRUE(eventually([&] { return wire.requests().size() == 200; }));
  EXPECT_EQ(client->counts().in_flight, 200u);
  EXPECT_EQ(done, 0);
  wire.let_go();
  EXPECT_TRUE(eventually([&] { return done == 200; }));
  EXPECT_EQ(client->counts().peak_in_flight, 200u);
}

TEST(Client, ServesManyThreads) {
  Wire wire([](WireConnection& connection, const WireRequest& request) {
    connection.reply(200, R"({"object":"x","id":")" + request.target.substr(4) + R"("})");
  });
  const auto client = World(wire).client();
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 8; ++n) {
      threads.emplace_back([&, n] {
        for (int i = 0; i < 25; ++i) {
          const std::string id = std::to_string(n) + "_" + std::to_string(i);
          const auto answer = client->call(Request::get("/v1/" + id));
          if (answer && answer->body == R"({"object":"x","id":")" + id + R"("})") ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 200);
  EXPECT_LE(wire.connections(), 8);
}

TEST(Client, NeverFollowsARedirect) {
  Wire thief(answer_well);
  Wire wire([&thief](WireConnection& connection, const WireRequest&) {
    connection.reply(302, "", "Location: " + thief.url() + "/v1/payouts\r\n");
  });
  const Answer answer = World(wire).client()->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(answer.error.code, "stripe_gateway_answered");
  EXPECT_EQ(wire.requests().size(), 1u);
  EXPECT_EQ(thief.connections(), 0);
}

TEST(Client, TellsWhenTheRequestWasSent) {
  Wire wire(answer_well);
  ManualClock clock(from_unix(1'760'000'000));
  World world(wire);
  world.options.clock = &clock;
  const auto client = world.client();
  EXPECT_EQ(client->send(pay()).response.sent_at, from_unix(1'760'000'000));
  clock.advance(seconds{5});
  EXPECT_EQ(client->send(pay()).response.sent_at, from_unix(1'760'000'005));
}

TEST(Client, TheKeyIsInNoLogAndNoError) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.reply(401,
                     stripe_error("invalid_request_error", "",
                                  std::string("Invalid API Key provided: ") + kTestKey),
                     kRequestId);
  });
  ASSERT_TRUE(log::configure("debug"));
  testing::internal::CaptureStderr();
  World world(wire);
  world.options.base = wire.url();
  const Answer answer = world.client()->send(pay());
  World nowhere("http://127.0.0.1:" + std::to_string(unused_port()));
  const Answer unreachable = nowhere.client()->send(pay());
  const std::string logged = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(log::configure("info"));
  EXPECT_NE(logged.find("called Stripe"), std::string::npos);
  EXPECT_NE(answer.error.message.find("Invalid API Key"), std::string::npos);
  for (const std::string& text :
       {logged, answer.error.message, answer.refusal->message, unreachable.error.message}) {
    EXPECT_EQ(text.find("51SecretOfThisTest"), std::string::npos) << text;
  }
}

TEST(Client, RefusesAKeyThatCannotWork) {
  for (const char* key :
       {"", "pk_test_1", "sk_test_1\n", " sk_test_1", "whsec_1", "sk_live_1\r\nX: y"}) {
    const auto opened = Client::open({.key = Secret{key}});
    ASSERT_FALSE(opened) << key;
    EXPECT_EQ(opened.error().code, "stripe_key_invalid");
  }
}

TEST(Client, RefusesAnAddressThatWouldShowALiveKey) {
  const auto opens = [](const char* base, const char* key) {
    return Client::open({.key = Secret{key}, .base = base}).ok();
  };
  EXPECT_TRUE(opens("https://api.stripe.com", "sk_live_1"));
  EXPECT_TRUE(opens("https://api.stripe.com/", "sk_live_1"));
  EXPECT_TRUE(opens("http://127.0.0.1:12111", "sk_live_1"));
  EXPECT_TRUE(opens("http://[::1]:12111", "sk_live_1"));
  EXPECT_TRUE(opens("http://simulator:12111", "sk_test_1"));
  EXPECT_FALSE(opens("http://simulator:12111", "sk_live_1"));
  EXPECT_FALSE(opens("http://127.evil.example", "sk_live_1"));
  EXPECT_FALSE(opens("ftp://api.stripe.com", "sk_live_1"));
  EXPECT_FALSE(opens("https://u:p@api.stripe.com", "sk_live_1"));
  EXPECT_FALSE(opens("https://api.stripe.com/v1", "sk_live_1"));
  EXPECT_FALSE(opens("api stripe", "sk_live_1"));
  EXPECT_FALSE(opens("", "sk_live_1"));
}

TEST(Client, SendsNothingThatReachesPastItsPlace) {
  Wire wire(answer_well);
  const auto client = World(wire).client();
  for (const char* path : {"v1/payouts", "//evil.example/v1", "/v1/../x", "/v1/x/..", "/v1/a b",
                           "/v1/a\r\nX: y", "/v1/\xc3\xbc", "/v1/a#b", ""}) {
    const Answer answer = client->send(Request::get(path));
    EXPECT_EQ(answer.error.code, "stripe_request_invalid") << path;
    EXPECT_EQ(answer.outcome, Outcome::not_done);
  }
  EXPECT_EQ(client->send(pay().on("acct_1\r\nX: y")).error.code, "stripe_request_invalid");
  EXPECT_EQ(wire.connections(), 0);
}

TEST(Client, AKeyOfAPostIsAKey) {
  EXPECT_THROW(IdempotencyKey{""}, Broken);
  EXPECT_THROW(IdempotencyKey{"a b"}, Broken);
  EXPECT_THROW(IdempotencyKey{"a\n"}, Broken);
  EXPECT_THROW(IdempotencyKey{std::string(256, 'a')}, Broken);
  EXPECT_EQ(IdempotencyKey{std::string(255, 'a')}.str().size(), 255u);
}

}  // namespace
}  // namespace payoutd::stripe
