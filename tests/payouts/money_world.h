// A service's money routes on a real server, with keys, in front of a simulated Stripe over real
// HTTP. What is true of the money is what the simulator's /_sim/payments say.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "access/connected_accounts.h"
#include "access/guard.h"
#include "access/organizations.h"
#include "balances/balances_api.h"
#include "http/client.h"
#include "http/server.h"
#include "jobs/worker.h"
#include "mirror/balance_transactions_api.h"
#include "mirror/mirror_jobs.h"
#include "payouts/apply.h"
#include "payouts/payouts.h"
#include "payouts/payouts_api.h"
#include "payouts/stripe_payout.h"
#include "payouts/stripe_payouts_api.h"
#include "stripe/metadata_keys.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/sim.h"
#include "stripe/sim/world/ledger.h"
#include "support/database.h"

namespace payoutd::payouts {

using namespace std::chrono_literals;

inline constexpr std::int64_t kMondayNoon = 1'767'614'400;  // 2026-01-05T12:00:00Z

// Thrown at a named point: this process ends there.
struct Killed {};

// One process of the service, but for webhooks and sync.
struct Instance {
  struct Options {
    std::chrono::milliseconds timeout{10'000};       // of one send
    std::chrono::milliseconds caller_waits{60'000};  // for what a send comes to
    std::function<void(const char*)> at = [](const char*) {};
    stripe::Rates rates{1e5, 1e5, 1e5};
    std::optional<Secret> api_key{};              // none: the simulator's first
    std::function<void()> between_sends = [] {};  // of one request, on the client's thread
  };

  Instance(std::unique_ptr<pg::Database> database, sim::Sim& sim, const Clock& clock,
           Options options)
      : db(std::move(database)),
        client(open(sim, clock, options)),
        balances(client.get()),
        own_account(*client),
        parts{.db = *db,
              .client = *client,
              .appliers = appliers,
              .clock = clock,
              .own_account = own_account,
              .settings = {.timeout = options.timeout,
                           .caller_waits = options.caller_waits,
                           .at = std::move(options.at)}},
        payouts(parts),
        keys(*db),
        idempotency(*db) {
    http::Router router;
    const auto add = [&router](std::vector<http::Route> routes) {
      for (http::Route& route : routes) router.add(std::move(route));
    };
    add(balances::balance_routes(*db, balances));
    add(mirror::balance_transaction_routes(*db));
    add(payout_routes(*db));
    add(stripe_payout_routes(*db, &payouts, balances));
    access::guard(router, keys, idempotency);
    server = std::make_unique<http::Server>(std::move(router),
                                            http::Server::Options{.port = 0, .workers = 24});
    CHECK(server->start().ok());
  }

  static mirror::Appliers all_appliers() {
    auto all = mirror::Appliers::mirror();
    add_applier(all);
    return all;
  }
  static std::unique_ptr<stripe::Client> open(sim::Sim& sim, const Clock& clock,
                                              const Options& options) {
    auto opened =
        stripe::Client::open({.key = options.api_key.value_or(sim.api_key()),
                              .base = sim.url(),
                              .budget = std::make_shared<stripe::LocalBudget>(options.rates),
                              .clock = &clock,
                              .timeout = options.timeout,
                              .pause = [between = options.between_sends](stripe::Pause) {
                                between();
                                return stripe::Pause{1};
                              }});
    CHECK(opened.ok());
    return *std::move(opened);
  }
  std::vector<jobs::Handler> handlers() {
    auto all = payouts.resolver().duties().handlers;
    for (auto& handler : mirror::mirror_handlers(*db, *client, appliers))
      all.push_back(std::move(handler));
    return all;
  }

  const std::unique_ptr<pg::Database> db;
  const mirror::Appliers appliers = all_appliers();
  const std::unique_ptr<stripe::Client> client;
  balances::Balances balances;
  mirror::OwnAccount own_account;
  const SendingParts parts;
  StripePayouts payouts;
  access::Keys keys;
  access::Idempotency idempotency;
  std::unique_ptr<http::Server> server;
};

class MoneyTest : public support::DatabaseTest {
 protected:
  explicit MoneyTest(sim::Options options = {})
      : clock(from_unix(kMondayNoon)), sim(clock, with(std::move(options))) {
    CHECK(sim.start().ok());
    organization = access::ensure_platform_organization(db(), "First")->id;
    other_organization = access::ensure_organization(db(), "Second")->id;
    shop = open_shop(organization);
    other_shop = open_shop(other_organization);
    key = make_key(organization, access::Role::operator_);
    other_key = make_key(other_organization, access::Role::admin);
    start();
  }
  ~MoneyTest() override { service.reset(); }

  static sim::Options with(sim::Options options) {
    options.port = 0;
    options.workers = 32;
    return options;
  }

  // A process that starts; the one before it has ended.
  Instance& start(Instance::Options options = {}) {
    service.reset();
    service = std::make_unique<Instance>(another(30), sim, clock, std::move(options));
    return *service;
  }
  Instance& start_and_end_at(const std::string& point) {
    return start({.at = [point](const char* at) {
      if (at == point) throw Killed{};
    }});
  }

  // An account with 10,000.00 dollars and a bank account for each of `currencies`.
  std::string open_shop(OrgId of, std::vector<std::string> currencies = {"usd"}) {
    std::string id;
    sim.inspect([&](sim::World& world) {
      sim::Account& account =
          sim::open_account(world, {.email = "shop@example.com", .name = "Shop"});
      CHECK(sim::set_schedule(world, account, {.interval = "manual"}).has_value());
      for (const auto& currency : currencies)
        sim::attach_bank(world, account, {.currency = currency});
      id = account.id;
    });
    fund(id, 1'000'000);
    const auto connected = db().transact([&](pg::Tx& tx) {
      return access::connect_account(tx, of,
                                     {.fields = {.stripe_account = id, .name = "Shop"},
                                      .version = {from_unix(1)},
                                      .joined_at = from_unix(1)});
    });
    CHECK(connected.ok());
    return id;
  }
  void fund(const std::string& account, std::int64_t amount, const std::string& currency = "usd") {
    sim.inspect([&](sim::World& world) {
      sim::post(
          world, *world.store.account(account),
          {.type = sim::row::charge, .amount = amount, .currency = *Currency::parse(currency)});
    });
  }
  std::string make_key(OrgId of, access::Role role) {
    access::Keys keys(db());
    const auto made = keys.create(of, {.name = "test", .role = role, .created_by = "test"});
    CHECK(made.ok());
    return made->text.reveal();
  }
  void fault(const Json& fault) { ASSERT_TRUE(sim.faults().add(fault).ok()); }
  void fault_of_creation(Json given) {
    given.update({{"method", "POST"}, {"path", "/v1/payouts"}});
    fault(given);
  }
  // A payout each of whose sends in the first request met that.
  std::string pay_with(Json given, const std::string& status,
                       const std::string& idempotency_key = "k1") {
    given["count"] = 0;
    fault_of_creation(given);
    const std::string id = pay_expecting(status, idempotency_key);
    sim.faults().clear();
    return id;
  }

  http::Answered send(const std::string& method, const std::string& target, const std::string& by,
                      const std::string& body = "", const std::string& headers = "") const {
    http::Client connection(service->server->port());
    return connection.ask(
        fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n{}Content-Type: "
                    "application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                    method, target, by, headers, body.size(), body),
        60'000);
  }
  static Json json(const http::Answered& answered) {
    return Json::parse(answered.body, nullptr, false);
  }
  Json get(const std::string& target) const { return json(send("GET", target, key)); }

  // Asks for 25.00 dollars, or for what `body` says.
  http::Answered pay(const std::string& idempotency_key = "",
                     Json body = {{"amount", 2'500}, {"currency", "usd"}}) const {
    return send("POST", "/api/payouts", key, body.dump(),
                idempotency_key.empty() ? "" : "Idempotency-Key: " + idempotency_key + "\r\n");
  }
  // The id of a payout that was answered with 201 in that status.
  std::string pay_expecting(const std::string& status,
                            const std::string& idempotency_key = "k1") const {
    const auto answered = pay(idempotency_key);
    EXPECT_EQ(answered.status, 201) << answered.body;
    EXPECT_EQ(json(answered).value("status", ""), status) << answered.body;
    return json(answered).value("id", "");
  }
  StripePayouts::Wanted wanted(std::int64_t amount = 2'500, OptionalText external_id = "k1") {
    auto account = access::pick_account(db(), organization, shop);
    CHECK(account.ok());
    return {.account = *account,
            .money = {amount, *Currency::parse("usd")},
            .method = "standard",
            .external_id = std::move(external_id),
            .actor = "test"};
  }

  // What a webhook or a sync would bring: the object as Stripe shows it now.
  void see(const std::string& stripe_id, const std::string& type = "payout") {
    see(organization, shop, stripe_id, type);
  }
  void see(OrgId of, const std::string& account, const std::string& stripe_id,
           const std::string& type = "payout") {
    const auto seen = mirror::fetch_and_apply(*service->db, *service->client, service->appliers,
                                              {.organization = of,
                                               .account = account,
                                               .stripe_header = account,
                                               .type = type,
                                               .stripe_ids = {stripe_id}});
    ASSERT_TRUE(seen.ok());
  }

  // Runs every job that is due on the clock, and those that these bring.
  void work() {
    jobs::Worker worker(*service->db, clock, service->handlers(),
                        {.threads = 2, .urgent_threads = 0, .poll = 5ms});
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    const std::string due = fmt::format(
        "SELECT count(*)::text FROM jobs WHERE state IN ('ready', 'running') OR (state = "
        "'scheduled' AND run_at <= '{}')",
        to_iso(clock.now()));
    while (sql(due) != "0" && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_EQ(sql(due), "0");
    EXPECT_TRUE(worker.stop());
  }
  void pass(std::chrono::seconds time) {
    ASSERT_TRUE(sim.advance(time).ok());
    work();
  }
  // Lets the service do what it does by itself, a quarter of an hour at a time.
  void pass_in_steps(std::chrono::minutes time) {
    for (auto passed = 0min; passed < time; passed += 15min) pass(15min);
  }

  // What moved money at Stripe on an account: {id, amount, currency, idempotency_key, metadata,
  // reversed}.
  Json moved(const std::string& account) const {
    http::Client connection(sim.port());
    const auto answered =
        connection.ask("GET /_sim/payments HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n");
    const Json all = Json::parse(answered.body);
    Json found = Json::array();
    for (const Json& payment : all["data"]) {
      if (payment["account"] == account) found.push_back(payment);
    }
    return found;
  }
  Json moved() const { return moved(shop); }

  // The end that is right: one payout at Stripe, it is ours, and we say so.
  void expect_paid_once(const std::string& id) {
    const Json payments = moved();
    ASSERT_EQ(payments.size(), 1u) << payments.dump();
    EXPECT_EQ(payments[0]["metadata"][stripe::kPayoutIdKey], id);
    EXPECT_EQ(payments[0]["idempotency_key"], "payoutd-" + id + "-1");
    EXPECT_EQ(get("/api/payouts/" + id)["stripe_payout_id"], payments[0]["id"]);
    EXPECT_EQ(state(id), "done");
    EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "1");
  }
  void expect_not_paid(const std::string& id, const std::string& failure_code) {
    EXPECT_EQ(moved().size(), 0u) << moved().dump();
    EXPECT_EQ(state(id), "not_done");
    const Json payout = get("/api/payouts/" + id);
    EXPECT_EQ(payout["status"], "failed");
    EXPECT_EQ(payout["failure_code"], failure_code);
  }
  std::string state(const std::string& id) {
    return sql(fmt::format(
        "SELECT i.state FROM instructions i JOIN instruction_payouts m ON m.instruction_id = i.id"
        " AND m.organization_id = i.organization_id WHERE m.payout_id = '{}'",
        id));
  }
  std::string status(const std::string& id) const {
    return get("/api/payouts/" + id).value("status", "none");
  }

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

  ManualClock clock;
  sim::Sim sim;
  OrgId organization{}, other_organization{};
  std::string shop, other_shop, key, other_key;
  std::unique_ptr<Instance> service;
};

}  // namespace payoutd::payouts
