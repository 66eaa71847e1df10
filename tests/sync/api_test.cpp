// The sync's routes against a running server with keys of two organizations.
#include "access/guard.h"
#include "http/client.h"
#include "http/server.h"
#include "jobs/worker.h"
#include "sync/sync_api.h"
#include "sync/sync_jobs.h"
#include "sync/world.h"

namespace payoutd::sync {
namespace {

struct SyncApi : SyncTest {
  SyncApi() : keys(db()), idempotency(db()), syncer(db(), *client, appliers, clock, {}) {
    serve(&syncer);
    operator_key = make_key(platform, access::Role::operator_);
    viewer_key = make_key(platform, access::Role::viewer);
    tenant_key = make_key(tenant, access::Role::operator_);
  }

  void serve(Syncer* by) {
    http::Router router;
    for (auto& route : sync_routes(db(), by, clock)) router.add(std::move(route));
    access::guard(router, keys, idempotency);
    server = std::make_unique<http::Server>(std::move(router), http::Server::Options{.port = 0});
    CHECK(server->start().ok());
  }
  std::string make_key(OrgId of, access::Role role) {
    const auto made = keys.create(of, {.name = "test", .role = role, .created_by = "test"});
    CHECK(made.ok());
    return made->text.reveal();
  }
  http::Answered send(const std::string& method, const std::string& target, const std::string& key,
                      const std::string& body = "", const std::string& headers = "") {
    http::Client connection(server->port());
    return connection.ask(
        fmt::format(
            "{} {} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n{}Content-Length: {}\r\n"
            "Connection: close\r\n\r\n{}",
            method, target, key, headers, body.size(), body),
        60'000);
  }
  static Json json(const http::Answered& answered) {
    return Json::parse(answered.body, nullptr, false);
  }

  access::Keys keys;
  access::Idempotency idempotency;
  Syncer syncer;
  std::unique_ptr<http::Server> server;
  std::string operator_key, viewer_key, tenant_key;
};

constexpr const char* kSync = "/api/balance/transactions/sync";

TEST_F(SyncApi, APostSyncsAllAndAnswersTheCounts) {
  const auto answered = send("POST", kSync, operator_key);
  ASSERT_EQ(answered.status, 200) << answered.body;
  const Json run = json(answered);
  EXPECT_EQ(run["status"], "succeeded");
  EXPECT_GT(run["rows_created"].get<int>(), 300);
  EXPECT_GT(run["streams"].size(), 30u);
  EXPECT_EQ(json(send("GET", "/api/sync/runs/" + run["id"].get<std::string>(), viewer_key))["rows"],
            run["rows"]);
  const Json runs = json(send("GET", "/api/sync/runs?include=total", viewer_key));
  EXPECT_EQ(runs["total"], 1);
  EXPECT_EQ(runs["data"][0]["id"], run["id"]);
  // The tenant's accounts were not asked for.
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions WHERE account = '" +
                   sim.second_tenant() + "'"),
            0);
}

TEST_F(SyncApi, RespondAsyncGivesARunToWatchWhichAWorkerDoes) {
  const auto answered = send("POST", kSync, operator_key, "{}",
                             "Content-Type: application/json\r\nPrefer: respond-async\r\n");
  ASSERT_EQ(answered.status, 202) << answered.body;
  const Json run = json(answered);
  EXPECT_EQ(run["status"], "queued");
  EXPECT_EQ(answered.header("location"), "/api/sync/runs/" + run["id"].get<std::string>());
  jobs::Worker worker(db(), clock, sync_handlers(syncer, db(), *client, appliers),
                      {.poll = std::chrono::milliseconds(20)});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  Json seen;
  do {
    seen = json(send("GET", answered.header("location"), viewer_key));
  } while (seen["finished_at"].is_null() && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(seen["status"], "succeeded") << seen.dump();
}

TEST_F(SyncApi, AnotherOrganizationLearnsNothing) {
  const Json run = json(send("POST", kSync, operator_key));
  const std::string path = "/api/sync/runs/" + run["id"].get<std::string>();
  EXPECT_EQ(send("GET", path, tenant_key).status, 404);
  EXPECT_EQ(json(send("GET", "/api/sync/runs", tenant_key))["data"].size(), 0u);
  EXPECT_EQ(json(send("GET", "/api/mirror/completeness", tenant_key))["balances"].size(), 0u);
  const auto foreign = send("POST", std::string(kSync) + "?account=" + sim.platform(), tenant_key);
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.code(), "account_not_found");
  EXPECT_EQ(send("GET", "/api/mirror/completeness?account=" + sim.platform(), tenant_key).status,
            404);
}

TEST_F(SyncApi, CompletenessTellsOfEachAccountAndCurrency) {
  EXPECT_FALSE(json(send("GET", "/api/mirror/completeness", viewer_key))["complete"].get<bool>());
  ASSERT_EQ(send("POST", kSync, operator_key).status, 200);
  const Json whole = json(send("GET", "/api/mirror/completeness", viewer_key));
  EXPECT_TRUE(whole["complete"].get<bool>()) << whole.dump();
  EXPECT_EQ(whole["last_run"]["status"], "succeeded");
  for (const Json& balance : whole["balances"]) EXPECT_EQ(balance["expected"], balance["found"]);
  const Json one =
      json(send("GET", "/api/mirror/completeness?account=" + sim.platform(), viewer_key));
  EXPECT_LT(one["balances"].size(), whole["balances"].size());
}

TEST_F(SyncApi, WhoMayNotAndWhatCannotBe) {
  EXPECT_EQ(send("POST", kSync, viewer_key).status, 403);
  EXPECT_EQ(send("GET", "/api/sync/runs", "wrong").status, 401);
  EXPECT_EQ(
      send("POST", kSync, operator_key, R"({"acount": "x"})", "Content-Type: application/json\r\n")
          .status,
      400);
  EXPECT_EQ(send("GET", "/api/sync/runs/none", viewer_key).status, 404);
  EXPECT_EQ(send("GET", "/api/sync/runs?limit=0", viewer_key).status, 400);
  serve(nullptr);
  const auto without = send("POST", kSync, operator_key);
  EXPECT_EQ(without.status, 503);
  EXPECT_EQ(without.code(), "stripe_not_configured");
}

}  // namespace
}  // namespace payoutd::sync
