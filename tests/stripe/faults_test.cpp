#include <gtest/gtest.h>

#include "stripe/world.h"

namespace payoutd::stripe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers the nth request by the nth of these, and all later ones by the last.
class Script {
 public:
  using Step = std::function<void(WireConnection&)>;
  explicit Script(std::vector<Step> steps) : steps_(std::move(steps)) {}
  void operator()(WireConnection& connection, const WireRequest&) {
    const auto n = std::min<std::size_t>(next_++, steps_.size() - 1);
    steps_[n](connection);
  }

 private:
  std::vector<Step> steps_;
  std::atomic<std::size_t> next_{0};
};

Script::Step reply(int status, std::string body = kPayoutBody, std::string headers = "") {
  return [=](WireConnection& connection) { connection.reply(status, body, headers); };
}
Script::Step refuse(int status, std::string code, std::string headers = "") {
  return reply(status, stripe_error("invalid_request_error", code), kRequestId + headers);
}
const Script::Step kReset = [](WireConnection& connection) { connection.reset(); };
const Script::Step kClose = [](WireConnection& connection) { connection.end(); };
const Script::Step kTruncate = [](WireConnection& connection) {
  connection.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":\"po_1\"");
  connection.end();
};
const Script::Step kTruncateChunks = [](WireConnection& connection) {
  connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"id\r\n");
  connection.end();
};
const Script::Step kUntilClose = [](WireConnection& connection) {
  connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"id\":\"po_1\",\"obj");
  connection.end();
};

// A server of one script, and the client on it.
struct Scene {
  explicit Scene(std::vector<Script::Step> steps)
      : script(std::make_shared<Script>(std::move(steps))),
        wire([kept = script](WireConnection& c, const WireRequest& r) { (*kept)(c, r); }),
        world(wire),
        client(world.client()) {}
  Answer send(Request request = pay()) { return client->send(std::move(request)); }

  std::shared_ptr<Script> script;
  Wire wire;
  World world;
  std::unique_ptr<Client> client;
};

Request once() { return pay().with(Retries::none()); }

TEST(Faults, ARefusedPortIsNotDone) {
  World world("http://127.0.0.1:" + std::to_string(unused_port()));
  const Answer answer = world.client()->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.history.sends, 0);
  EXPECT_EQ(answer.error.kind, Kind::retry);
  EXPECT_EQ(answer.error.code, "stripe_unreachable");
  EXPECT_EQ(world.pauses->taken().size(), 2u);
}

TEST(Faults, ARefusedPortResolvesNothingThatWasUnknown) {
  World world("http://127.0.0.1:" + std::to_string(unused_port()));
  const Answer answer = world.client()->send(once().earlier({.unknown = true, .sends = 1}));
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_TRUE(answer.history.unknown);
}

TEST(Faults, ANameThatDoesNotExistIsNotDone) {
  const Answer answer = World("http://no-such-host.invalid").client()->send(once());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.history.sends, 0);
}

TEST(Faults, TlsSpokenToAPlainPortIsNotDone) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); });
  // The server answers the first bytes of the handshake with something else, and closes.
  World world("https://127.0.0.1:" + std::to_string(wire.port()));
  world.options.connect_timeout = milliseconds{300};
  const Answer answer = world.client()->send(once());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.history.sends, 0);
}

TEST(Faults, ACertificateThatIsNotTrustedIsNotDoneAndNotTriedAgain) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); },
      true);
  World world(wire.url());  // without the certificate
  const Answer answer = world.client()->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(wire.requests().size(), 0u);
  EXPECT_EQ(wire.connections(), 1);
  EXPECT_NE(answer.error.message.find("certificate"), std::string::npos) << answer.error.message;
}

TEST(Faults, ATrustedCertificateServes) {
  Wire wire(
      [](WireConnection& connection, const WireRequest&) { connection.reply(200, kPayoutBody); },
      true);
  const auto client = World(wire).client();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client->send(pay()).ok());
  EXPECT_EQ(wire.connections(), 1);
}

TEST(Faults, AResetInsideTlsIsUnknown) {
  Wire wire([](WireConnection& connection, const WireRequest&) { connection.reset(); }, true);
  EXPECT_EQ(World(wire).client()->send(once()).outcome, Outcome::unknown);
}

TEST(Faults, WhatComesAfterTheFirstByteIsUnknown) {
  for (const auto& step :
       {kReset, kClose, kTruncate, kTruncateChunks, kUntilClose, reply(200, "<html>"),
        reply(500, "oops"), reply(502, "<html>"), refuse(500, ""),
        refuse(409, "idempotency_key_in_use"), reply(400, "<html>"),
        reply(400, stripe_error("idempotency_error", ""), kRequestId)}) {
    Scene scene({step});
    const Answer answer = scene.send(once());
    EXPECT_EQ(answer.outcome, Outcome::unknown) << answer.error.message;
    EXPECT_TRUE(answer.history.unknown);
    EXPECT_EQ(answer.history.sends, 1);
    EXPECT_FALSE(answer.error.code.empty());
  }
}

// What proxies and gateways on the way answer, whether or not Stripe has the request.
const Script::Step kGateways[] = {
    reply(408, R"({"error":"Request Timeout"})"),
    refuse(408, ""),
    refuse(499, ""),
    reply(400, R"({"error":"invalid_request"})", kRequestId),
    reply(400, R"({"error":{"code":"bad_request","message":"no"}})", kRequestId),
    reply(400, stripe_error("GatewayError", "balance_insufficient"), kRequestId),
    reply(400, stripe_error("invalid_request_error", "balance_insufficient")),
    reply(400, stripe_error("invalid_request_error", ""), "Request-Id: 0f8fad5b-d9cb\r\n"),
    reply(401, R"({"error":"account_invalid"})", kRequestId),
    reply(403, R"({"message":"Forbidden"})"),
    reply(403, stripe_error("invalid_request_error", "account_invalid")),
    reply(404, "<html>not found</html>"),
    reply(404, stripe_error("invalid_request_error", "resource_missing")),
    reply(409, stripe_error("invalid_request_error", "payout_in_use")),
    reply(429, R"({"message":"API rate limit exceeded"})"),
    reply(429, "", "Retry-After: 1\r\n"),
    reply(200, "{}"),
    reply(200, R"({"status":"accepted"})", kRequestId),
    reply(202, R"(["queued"])")};

TEST(Faults, AGatewaysWordDecidesNothing) {
  for (const auto& step : kGateways) {
    Scene scene({step});
    const Answer answer = scene.send();
    const std::string status = std::to_string(answer.response.status);
    EXPECT_EQ(answer.outcome, Outcome::unknown) << status << answer.response.body;
    EXPECT_FALSE(answer.refusal) << status << answer.response.body;
    EXPECT_EQ(answer.error.kind, Kind::retry);
    EXPECT_EQ(answer.error.code, "stripe_gateway_answered");
    EXPECT_NE(answer.error.message.find(status), std::string::npos) << answer.error.message;
    EXPECT_EQ(scene.wire.requests().size(), 3u) << status;  // the same key asks Stripe again
  }
}

TEST(Faults, AGatewaysWordIsNotStripesWhereSomethingIsRead) {
  for (const auto& step : kGateways) {
    Scene scene({step});
    const auto read = scene.client->call(Request::get("/v1/payouts/po_1").with(Retries::money()));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, Kind::retry) << read.error().message;
    EXPECT_EQ(read.error().code, "stripe_gateway_answered");
  }
}

TEST(Faults, WhatAGatewayHidIsFoundUnderTheSameKey) {
  Scene paid({reply(408, R"({"error":"Request Timeout"})"),
              reply(200, kPayoutBody, "Idempotent-Replayed: true\r\n")});
  EXPECT_EQ(paid.send().outcome, Outcome::done);
  Scene refused({reply(404, "no route"),
                 refuse(400, "balance_insufficient", "Idempotent-Replayed: true\r\n")});
  EXPECT_EQ(refused.send().outcome, Outcome::not_done);
}

TEST(Faults, ATimeoutIsUnknown) {
  Wire* held = nullptr;
  Wire wire([&held](WireConnection&, const WireRequest&) { held->hold(); });
  held = &wire;
  const Answer answer = World(wire).client()->send(once().with(milliseconds{150}));
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(answer.error.code, "stripe_no_answer");
}

TEST(Faults, ABodyThatDripsIsCutByTheTimeout) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{");
  });
  EXPECT_EQ(World(wire).client()->send(once().with(milliseconds{150})).outcome, Outcome::unknown);
}

TEST(Faults, RepeatsTheSameBytesUnderTheSameKey) {
  Scene scene({kReset, refuse(500, ""), reply(200)});
  const Answer answer = scene.send(pay("amount=1100&currency=eur&metadata[payout]=x"));
  EXPECT_EQ(answer.outcome, Outcome::done);
  EXPECT_FALSE(answer.history.unknown);
  EXPECT_EQ(answer.history.sends, 3);
  const auto seen = scene.wire.requests();
  ASSERT_EQ(seen.size(), 3u);
  for (const auto& request : seen) {
    EXPECT_EQ(request.body, seen[0].body);
    EXPECT_EQ(request.headers.at("idempotency-key"), "payout-0190-attempt-1");
  }
}

TEST(Faults, AFreshRefusalAfterAnUnknownSendStaysUnknown) {
  for (const auto& step :
       {refuse(401, ""), refuse(400, "balance_insufficient"), refuse(429, "rate_limit"),
        refuse(500, "", "Idempotent-Replayed: true\r\n")}) {
    Scene scene({kReset, step});
    EXPECT_EQ(scene.send().outcome, Outcome::unknown);
  }
}

TEST(Faults, AReplayedRefusalAfterAnUnknownSendResolvesIt) {
  Scene scene({kReset, refuse(400, "balance_insufficient", "Idempotent-Replayed: true\r\n")});
  const Answer answer = scene.send();
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_FALSE(answer.history.unknown);
  EXPECT_EQ(answer.refusal->code, "balance_insufficient");
}

TEST(Faults, AReplayedSuccessResolvesWhatAnEarlierProcessLeftUnknown) {
  Scene scene({reply(200, kPayoutBody, "Idempotent-Replayed: true\r\n")});
  const Answer answer = scene.send(pay().earlier({.unknown = true, .sends = 3}));
  EXPECT_EQ(answer.outcome, Outcome::done);
  EXPECT_EQ(answer.history.sends, 4);
}

// libcurl repeats a request by itself when a kept connection dies under it: that first send may
// have arrived, so a refusal of the second is not the whole truth.
TEST(Faults, AKeptConnectionThatDiedCountsAsASend) {
  Scene scene({reply(200), kReset, refuse(400, "balance_insufficient")});
  ASSERT_TRUE(scene.send(once()).ok());
  const Answer answer = scene.send(once());
  EXPECT_EQ(scene.wire.requests().size(), 3u);
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_EQ(answer.history.sends, 2);
}

TEST(Faults, AKeptConnectionThatDiedWithItsServerIsUnknown) {
  Wire* server = nullptr;
  std::atomic<int> seen{0};
  Wire wire([&](WireConnection& connection, const WireRequest&) {
    if (++seen == 1) return connection.reply(200, kPayoutBody);
    server->stop_listening();
    connection.reset();
  });
  server = &wire;
  const auto client = World(wire).client();
  ASSERT_TRUE(client->send(once()).ok());
  const Answer answer = client->send(once());  // sent, lost, and then nobody listens
  EXPECT_EQ(answer.outcome, Outcome::unknown) << answer.error.message;
}

TEST(Faults, ALimitIsWaitedOut) {
  Scene scene(
      {refuse(429, "rate_limit", "Retry-After: 9\r\nStripe-Rate-Limited-Reason: endpoint-rate\r\n"),
       reply(200)});
  EXPECT_EQ(scene.send().outcome, Outcome::done);
  EXPECT_EQ(scene.client->counts().limited, 1u);
  ASSERT_EQ(scene.world.pauses->taken().size(), 1u);
  EXPECT_EQ(scene.world.pauses->taken()[0], seconds{9});
}

TEST(Faults, ALimitThatLastsIsNotDone) {
  Scene scene({refuse(429, "rate_limit", "Stripe-Rate-Limited-Reason: global-rate\r\n")});
  const Answer answer = scene.send();
  EXPECT_EQ(answer.outcome, Outcome::not_done);
  EXPECT_EQ(answer.error.kind, Kind::retry);
  EXPECT_EQ(answer.refusal->rate_limited_reason, "global-rate");
  EXPECT_EQ(scene.wire.requests().size(), 3u);
}

TEST(Faults, ALimitNeverEndsARead) {
  std::vector<Script::Step> steps(40, refuse(429, "rate_limit"));
  steps.push_back(reply(200));
  Scene scene(std::move(steps));
  EXPECT_TRUE(scene.client->call(Request::get("/v1/payouts")));
  EXPECT_EQ(scene.wire.requests().size(), 41u);
}

TEST(Faults, StripeShouldRetryDecides) {
  Scene no({refuse(500, "", "Stripe-Should-Retry: false\r\n"), reply(200)});
  EXPECT_EQ(no.send().outcome, Outcome::unknown);
  EXPECT_EQ(no.wire.requests().size(), 1u);
  Scene yes({refuse(400, "lock_timeout", "Stripe-Should-Retry: true\r\n"), reply(200)});
  EXPECT_EQ(yes.send().outcome, Outcome::done);
}

TEST(Faults, AKeyInUseIsAskedForAgain) {
  Scene scene({refuse(409, "idempotency_key_in_use"),
               reply(200, kPayoutBody, "Idempotent-Replayed: true\r\n")});
  EXPECT_EQ(scene.send().outcome, Outcome::done);
}

TEST(Faults, ARefusalIsNotRepeated) {
  Scene scene({refuse(400, "balance_insufficient")});
  EXPECT_EQ(scene.send().outcome, Outcome::not_done);
  EXPECT_EQ(scene.wire.requests().size(), 1u);
}

TEST(Faults, AnEndlessAnswerIsCut) {
  Wire wire([](WireConnection& connection, const WireRequest&) {
    connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    const std::string block(64 * 1024, ' ');
    for (int i = 0; i < 64; ++i) connection.write(block);
    connection.end();
  });
  World world(wire);
  world.options.max_response_bytes = 100'000;
  const Answer answer = world.client()->send(pay());
  EXPECT_EQ(answer.outcome, Outcome::unknown);
  EXPECT_NE(answer.error.message.find("larger than 100000"), std::string::npos)
      << answer.error.message;
  EXPECT_EQ(wire.requests().size(), 1u);
}

TEST(Faults, AnAnswerThatClaimsToBeHugeCostsNothing) {
  Scene scene({[](WireConnection& connection) {
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n{}");
    connection.end();
  }});
  EXPECT_EQ(scene.send(once()).outcome, Outcome::unknown);
}

}  // namespace
}  // namespace payoutd::stripe
