// The program on a database of its own, in front of a simulated Stripe or of a wall that doesn't
// answer.
#pragma once

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>

#include "access/connected_accounts.h"
#include "access/keys.h"
#include "access/organizations.h"
#include "http/client.h"
#include "http/server.h"
#include "stripe/signature.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/sim.h"
#include "stripe/sim/world/ledger.h"
#include "support/database.h"
#include "support/program.h"

namespace payoutd::app {

using support::Environment;
using support::eventually;
using support::Program;

// A Stripe that knows one balance and no other object, and treats what it is asked for as it is
// told to.
class Wall {
 public:
  Wall() {
    on("GET", "/v1/balance", [this] { return balance_hangs ? hang() : balance(); });
    on("POST", "/v1/payouts", [this] { return payouts_are_limited ? limit() : hang(); });
    for (const char* list :
         {"payouts", "events", "balance_transactions", "charges", "refunds", "payment_intents",
          "customers", "subscriptions", "transfers", "application_fees", "disputes", "accounts"}) {
      on("GET", std::string("/v1/") + list, [] {
        return http::Reply::text(200, R"({"object":"list","data":[],"has_more":false,"url":"/v1"})",
                                 "application/json");
      });
    }
    server_ = std::make_unique<http::Server>(
        std::move(router_),
        http::Server::Options{.port = 0, .workers = 32, .limits = {.drain_ms = 10}});
    CHECK(server_->start().ok());
  }
  ~Wall() {
    gate_.release(1'000);
    server_.reset();
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

  std::atomic<bool> balance_hangs = false;
  std::atomic<bool> payouts_are_limited = false;
  std::atomic<int> hanging = 0;
  std::atomic<int> limited = 0;

 private:
  void on(const char* method, std::string pattern, std::function<http::Reply()> answer) {
    http::Route route{method, std::move(pattern), "", [answer = std::move(answer)](http::Context&) {
                        return answer().with("Request-Id", "req_wall");
                      }};
    router_.add(std::move(route));
  }
  static http::Reply balance() {
    return http::Reply::text(
        200,
        R"({"object":"balance","livemode":false,"available":[{"amount":1000000,"currency":"usd"}],
                 "pending":[],"instant_available":[{"amount":1000000,"currency":"usd"}]})",
        "application/json");
  }
  http::Reply hang() {
    ++hanging;
    gate_.acquire();
    return http::Reply::text(500, "");
  }
  http::Reply limit() {
    ++limited;
    return http::Reply::text(
        429, R"({"error":{"type":"invalid_request_error","code":"rate_limit","message":"slow"}})",
        "application/json");
  }

  std::counting_semaphore<> gate_{0};
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

class ProgramTest : public support::DatabaseTest {
 protected:
  ProgramTest() : sim(clock, {.port = 0}) {
    CHECK(sim.start().ok());
    sim.inspect([&](sim::World& world) {
      sim::Account& account = sim::open_account(world, {.email = "s@example.com", .name = "Shop"});
      CHECK(sim::set_schedule(world, account, {.interval = "manual"}).has_value());
      sim::attach_bank(world, account, {.currency = "usd"});
      sim::post(
          world, account,
          {.type = sim::row::charge, .amount = 1'000'000, .currency = *Currency::parse("usd")});
      shop = account.id;
    });
    organization = access::ensure_platform_organization(db(), "Platform")->id;
    const auto connected = db().transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization,
                                     {.fields = {.stripe_account = shop, .name = "Shop"},
                                      .version = {from_unix(1)},
                                      .joined_at = from_unix(1)});
    });
    CHECK(connected.ok());
    access::Keys keys(db());
    key = keys.create(organization, {"test", access::Role::admin, "test", {}})->text.reveal();
  }

  Environment environment(const std::string& stripe) const {
    return {{"DATABASE_URL", url().reveal()},  {"STRIPE_SECRET_KEY", sim.api_key().reveal()},
            {"STRIPE_API_BASE", stripe},       {"STRIPE_WEBHOOK_SECRETS", kSecret},
            {"PAYOUTD_LISTEN", "127.0.0.1:0"}, {"PAYOUTD_LOG", "info"}};
  }
  // Serves in front of this Stripe; the one before it has ended.
  void serve(const std::string& stripe) {
    program.reset();
    program = std::make_unique<Program>(std::vector<std::string>{"serve"}, environment(stripe));
    port = program->port();
    ASSERT_NE(port, 0) << program->said();
  }

  // A request on its way; answers are read from the client.
  http::Client asking(const std::string& method, const std::string& target,
                      const std::string& body = "", const std::string& headers = "") const {
    http::Client client(port);
    client.send(
        fmt::format("{} {} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {}\r\n{}"
                    "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                    method, target, key, headers, body.size(), body));
    return client;
  }
  http::Answered get(const std::string& target) const {
    return asking("GET", target).read(kPatienceMs);
  }
  http::Client paying(const std::string& idempotency_key) const {
    return asking("POST", "/api/payouts", R"({"amount": 2500, "currency": "usd"})",
                  "Idempotency-Key: " + idempotency_key + "\r\n");
  }
  http::Answered deliver(const std::string& event) const {
    const std::string body = fmt::format(
        R"({{"id":"{}","object":"event","type":"customer.created","created":{},"livemode":false,
            "account":"{}","data":{{"object":{{"id":"cus_1","object":"customer"}}}}}})",
        event, created, shop);
    const std::string signature = stripe::signature_header(body, Secret(kSecret), unix_seconds());
    return asking("POST", "/webhooks/stripe", body, "Stripe-Signature: " + signature + "\r\n")
        .read(kPatienceMs);
  }
  std::int64_t unix_seconds() const {
    return std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count();
  }
  bool is_ready() const { return get("/readyz").status == 200; }

  // The only column of the only row.
  std::string sql(const std::string& statement) {
    const auto answer = db().transact([&](pg::Tx& tx) -> Result<std::string> {
      const auto rows = tx.exec_unnamed(statement);
      return rows.empty() ? std::string("nothing")
                          : rows[0].get<std::optional<std::string>>(0).value_or("null");
    });
    CHECK(answer.ok());
    return *answer;
  }
  std::size_t paid_at_stripe() const { return sim.payments().at("data").size(); }
  // Lets what is to be looked into later be looked into now, until the payout is at Stripe.
  void expect_paid_once_by_a_new_start() {
    serve(sim.url());
    EXPECT_TRUE(eventually([&] {
      sql("UPDATE instructions SET next_look_at = now() WHERE next_look_at > now()");
      sql("UPDATE jobs SET run_at = now() WHERE kind = 'payouts.resolve' AND state = 'scheduled'");
      return sql("SELECT state FROM instructions") == "done";
    })) << sql("SELECT state FROM instructions")
        << program->said();
    EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "1");
    ASSERT_EQ(paid_at_stripe(), 1u);
    EXPECT_EQ(sim.payments().at("data")[0].at("id"), sql("SELECT stripe_payout_id FROM payouts"));
  }

  static constexpr const char* kSecret = "whsec_of_the_test";
  static constexpr int kPatienceMs = 60'000;
  const SystemClock clock;
  const std::int64_t created = unix_seconds();  // of every event
  sim::Sim sim;
  OrgId organization{};
  std::string shop, key;
  std::unique_ptr<Program> program;
  std::uint16_t port = 0;
};

}  // namespace payoutd::app
