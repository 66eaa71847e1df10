#include "webhooks/weeks.h"
#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Endpoint : WebhookTest {};

TEST_F(Endpoint, StoresTheExactBytesAndAnswersAfterTheCommit) {
  serve();
  std::string body = "  " + EventText{}.text() + "\n";
  body.insert(body.find("pending"), "ü\xF0\x9F\x9A\x80");
  http::Client client(server->port());
  const auto answer = client.ask(signed_request(body));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(text("SELECT body FROM inbox"), body);
  EXPECT_EQ(count("inbox_queue"), 1);
}

TEST_F(Endpoint, StoresAnEventOnce) {
  serve();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deliver({}).status, 200);
  EXPECT_EQ(count("inbox"), 1);
  EXPECT_EQ(count("inbox_queue"), 1);
  EXPECT_EQ(inbox->counts().stored, 1u);
  EXPECT_EQ(inbox->counts().duplicates, 2u);
}

TEST_F(Endpoint, RefusesABadSignature) {
  serve();
  const std::string body = EventText{}.text();
  http::Client client(server->port());
  const auto stranger = stripe::signature_header(body, Secret("whsec_stranger"), kNow);
  EXPECT_EQ(client.ask(request(body, stranger)).code(), "signature_mismatch");
  const auto old = stripe::signature_header(body, kSecret, kNow - 301);
  EXPECT_EQ(client.ask(request(body, old)).code(), "signature_too_old");
  EXPECT_EQ(client.ask(http::post("/webhooks/stripe", body)).status, 400);
  const auto good = stripe::signature_header(body, kSecret, kNow);
  EXPECT_EQ(client.ask(request(body + " ", good)).code(), "signature_mismatch");
  EXPECT_EQ(client.ask(request(body, good + "\r\nStripe-Signature: " + good)).code(),
            "signature_twice");
  EXPECT_EQ(count("inbox"), 0);
}

TEST_F(Endpoint, RefusesABodyThatIsNoEvent) {
  serve();
  http::Client client(server->port());
  const auto code = [&](const std::string& body) {
    return client.ask(signed_request(body)).code();
  };
  EXPECT_EQ(code("{"), "event_not_json");
  EXPECT_EQ(code("[]"), "event_invalid");
  EXPECT_EQ(code("\"\xff\""), "event_not_json");
  EXPECT_EQ(code(R"({"object":"v2.core.event","id":"evt_1"})"), "event_thin");
  Json event = Json::parse(EventText{}.text());
  for (const char* field : {"id", "type", "created", "livemode", "data"}) {
    Json without = event;
    without.erase(field);
    EXPECT_EQ(code(without.dump()), "event_invalid") << field;
  }
  event["id"] = std::string("evt_\0x", 6);
  EXPECT_EQ(code(event.dump()), "event_invalid");
  event["id"] = std::string(300, 'a');
  EXPECT_EQ(code(event.dump()), "event_invalid");
  EXPECT_EQ(count("inbox"), 0);
}

TEST_F(Endpoint, RefusesABodyThatIsTooLarge) {
  serve();
  http::Client client(server->port());
  client.send("POST /webhooks/stripe HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(Endpoint, TakesEverySecretOfTheRotation) {
  verifier = stripe::SignatureVerifier({Secret("whsec_before"), kSecret});
  serve();
  const std::string body = EventText{}.text();
  http::Client client(server->port());
  EXPECT_EQ(client.ask(request(body, stripe::signature_header(body, Secret("whsec_before"), kNow)))
                .status,
            200);
  EXPECT_EQ(client.ask(signed_request(EventText{.id = "evt_2"}.text())).status, 200);
}

TEST_F(Endpoint, AsksForAnotherDeliveryWithoutASecret) {
  verifier = stripe::SignatureVerifier({});
  serve();
  EXPECT_EQ(deliver({}).status, 503);
}

TEST_F(Endpoint, GivesEachEventToTheOrganizationOfItsAccount) {
  serve();
  deliver({.id = "evt_p"});
  deliver({.id = "evt_s", .account = "acct_shop"});
  deliver({.id = "evt_o", .account = "acct_other"});
  const auto of = [&](const std::string& id) {
    return text("SELECT organization_id || ' ' || account FROM inbox WHERE event_id = '" + id +
                "'");
  };
  EXPECT_EQ(of("evt_p"), platform.str() + " acct_platform");
  EXPECT_EQ(of("evt_s"), platform.str() + " acct_shop");
  EXPECT_EQ(of("evt_o"), other.str() + " acct_other");
}

TEST_F(Endpoint, KeepsAnEventOfAnUnknownAccountWithoutApplyingIt) {
  serve();
  EXPECT_EQ(deliver({.account = "acct_stranger"}).status, 200);
  EXPECT_EQ(count("inbox WHERE disposition = 'unknown_account'"), 1);
  EXPECT_EQ(count("inbox_queue"), 0);
  connect(other, "acct_stranger");
  EXPECT_EQ(deliver({.id = "evt_2", .account = "acct_stranger"}).status, 200);
  EXPECT_EQ(count("inbox_queue WHERE organization_id = '" + other.str() + "'"), 1);
}

TEST_F(Endpoint, KeepsAnEventOfTheOtherModeWithoutApplyingIt) {
  serve({.livemode = true});
  EXPECT_EQ(deliver({.livemode = false}).status, 200);
  EXPECT_EQ(deliver({.id = "evt_2", .livemode = true}).status, 200);
  EXPECT_EQ(count("inbox WHERE disposition = 'other_mode'"), 1);
  EXPECT_EQ(count("inbox_queue"), 1);
}

TEST_F(Endpoint, KeepsAnEventThatNobodyHandles) {
  serve();
  EXPECT_EQ(deliver({.type = "quote.finalized"}).status, 200);
  EXPECT_EQ(count("inbox WHERE disposition = 'unhandled'"), 1);
  EXPECT_EQ(count("inbox_queue"), 0);
}

TEST_F(Endpoint, SetsAsideWhatIsTooOldOrOfTheFuture) {
  serve();
  EXPECT_EQ(deliver({.id = "evt_old", .created = kNow - 40 * 86'400}).status, 200);
  EXPECT_EQ(deliver({.id = "evt_new", .created = kNow + 3 * 86'400}).status, 200);
  EXPECT_EQ(deliver({.id = "evt_zero", .created = 0}).status, 200);
  EXPECT_EQ(deliver({.id = "evt_fit", .created = kNow - 29 * 86'400}).status, 200);
  EXPECT_EQ(count("inbox_set_aside"), 3);
  EXPECT_EQ(count("inbox"), 1);
}

TEST_F(Endpoint, CommitsTogetherWhatQueuedWhileTheWritersWereBusy) {
  constexpr int kWriters = 2;
  constexpr int kDeliveries = 64;
  make_weeks(db(), from_unix(kNow));
  serve({.writers = kWriters});
  std::vector<http::Client> clients;
  for (int i = 0; i < kDeliveries; ++i) clients.emplace_back(server->port());
  const auto send = [&](int i) {
    clients[static_cast<std::size_t>(i)].send(
        signed_request(EventText{.id = "evt_" + std::to_string(i)}.text()));
  };
  const auto becomes = [](const auto& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  };
  const auto released = another(1)->transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("LOCK TABLE inbox");
    for (int writer = 0; writer < kWriters; ++writer) {
      send(writer);
      EXPECT_TRUE(becomes([&] {
        return count(
                   "pg_locks l JOIN pg_database d ON d.oid = l.database"
                   " WHERE NOT granted AND datname = current_database()") == writer + 1;
      }));
    }
    for (int i = kWriters; i < kDeliveries; ++i) send(i);
    EXPECT_TRUE(becomes([&] { return inbox->counts().waiting == kDeliveries - kWriters; }));
    return {};
  });
  ASSERT_TRUE(released);
  for (http::Client& client : clients) EXPECT_EQ(client.read(15'000).status, 200);
  EXPECT_EQ(count("inbox"), kDeliveries);
  EXPECT_EQ(inbox->counts().batches, kWriters + 1);
}

TEST_F(Endpoint, TriesABatchThatFailsEventByEvent) {
  // Stands for whatever PostgreSQL may refuse of one event.
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("ALTER TABLE inbox ADD CONSTRAINT poison CHECK (event_id <> 'evt_poison')");
    return {};
  });
  serve();
  std::vector<http::Client> clients;
  for (int i = 0; i < 32; ++i) clients.emplace_back(server->port());
  for (int i = 0; i < 32; ++i) {
    const std::string id = i == 7 ? "evt_poison" : "evt_" + std::to_string(i);
    clients[static_cast<std::size_t>(i)].send(signed_request(EventText{.id = id}.text()));
  }
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].read(15'000).status, i == 7 ? 503 : 200) << i;
  }
  EXPECT_EQ(count("inbox"), 31);
}

TEST_F(Endpoint, Answers503ForAllWhenTheDatabaseIsBusyAndTriesNoneAlone) {
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed(R"(CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$)");
    tx.exec_unnamed(
        "CREATE TRIGGER full_disk BEFORE INSERT ON inbox_queue FOR EACH ROW"
        " EXECUTE FUNCTION full_disk()");
    return {};
  });
  serve();
  std::vector<http::Client> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(server->port());
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].send(signed_request(EventText{.id = "evt_" + std::to_string(i)}.text()));
  }
  for (http::Client& client : clients) EXPECT_EQ(client.read(15'000).status, 503);
  EXPECT_EQ(count("inbox"), 0);
  EXPECT_EQ(inbox->counts().refused, 8u);
}

TEST_F(Endpoint, Answers503WhileTheDatabaseIsAwayAndIsWholeAfterwards) {
  serve();
  EXPECT_EQ(deliver({.id = "evt_before"}).status, 200);
  support::server().stop();
  EXPECT_EQ(deliver({.id = "evt_during"}).status, 503);
  ASSERT_TRUE(support::server().restart());
  EXPECT_EQ(deliver({.id = "evt_during"}).status, 200);
  EXPECT_EQ(count("inbox"), 2);
}

TEST_F(Endpoint, LosesNoneThatWasAcknowledgedWhenTheDatabaseIsKilled) {
  serve();
  std::vector<http::Client> clients;
  for (int i = 0; i < 64; ++i) clients.emplace_back(server->port());
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 64; ++i) {
      const std::string id = "evt_" + std::to_string(round) + "_" + std::to_string(i);
      clients[static_cast<std::size_t>(i)].send(signed_request(EventText{.id = id}.text()));
    }
    if (round == 3) support::server().kill();
    for (int i = 0; i < 64; ++i) {
      const auto status = clients[static_cast<std::size_t>(i)].read(15'000).status;
      ASSERT_TRUE(status == 200 || status == 503) << status;
      if (status == 200)
        acknowledged.push_back("evt_" + std::to_string(round) + "_" + std::to_string(i));
    }
    if (round == 3) {
      ASSERT_TRUE(support::server().restart());
    }
  }
  EXPECT_GE(acknowledged.size(), 5u * 64u - 64u);
  for (const std::string& id : acknowledged)
    EXPECT_EQ(count("inbox WHERE event_id = '" + id + "'"), 1) << id;
}

}  // namespace
}  // namespace payoutd::webhooks
