// Webhooks acknowledged per second, durably stored, with the load, the service and PostgreSQL on
// the same cores; beside one commit per event, and beside a bare loop of the same inserts in
// batches of the same size. All in one run: the ratios are what to read.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "../support/load.h"
#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "http/server.h"
#include "payouts/apply.h"
#include "pg/embedded.h"
#include "pg/migrate.h"
#include "stripe/signature.h"
#include "webhooks/apply.h"
#include "webhooks/webhooks_api.h"

namespace payoutd {
namespace {

using SteadyClock = std::chrono::steady_clock;

const Secret kSecret{"whsec_bench"};
constexpr std::size_t kEvents = 120'000;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// About 2.4 kB, as a payout event with some metadata is.
std::string event_body(std::size_t run, std::size_t n, std::int64_t now) {
  return fmt::format(
      R"({{"id":"evt_{0}_{1}","object":"event","api_version":"2026-07-29.dahlia","account":"acct_bench",)"
      R"("created":{2},"livemode":false,"pending_webhooks":1,"request":{{"id":null,"idempotency_key":null}},)"
      R"("type":"payout.paid","data":{{"object":{{"id":"po_{0}_{3}","object":"payout","amount":{1},)"
      R"("currency":"eur","arrival_date":{2},"automatic":true,"balance_transaction":"txn_{1}","created":{2},)"
      R"("description":"STRIPE PAYOUT","destination":"ba_1","failure_balance_transaction":null,)"
      R"("failure_code":null,"failure_message":null,"livemode":false,"metadata":{{"note":"{4}"}},)"
      R"("method":"standard","original_payout":null,"reconciliation_status":"completed","reversed_by":null,)"
      R"("source_type":"card","statement_descriptor":null,"status":"paid",)"
      R"("trace_id":{{"status":"pending","value":null}},"type":"bank_account"}}}}}})",
      run, n, now, n / 3, std::string(1'500, 'x'));
}

std::vector<std::string> signed_requests(std::size_t run, std::int64_t now) {
  std::vector<std::string> requests;
  requests.reserve(kEvents);
  for (std::size_t n = 0; n < kEvents; ++n) {
    const std::string body = event_body(run, n, now);
    requests.push_back(
        fmt::format("POST /webhooks/stripe HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n"
                    "Stripe-Signature: {}\r\n\r\n{}",
                    body.size(), stripe::signature_header(body, kSecret, now), body));
  }
  return requests;
}

struct Bench {
  explicit Bench(const Secret& url)
      : db({.url = url, .max_connections = 64}),
        verifier({kSecret}),
        appliers(mirror::Appliers::mirror()) {
    payouts::add_applier(appliers);
    const auto platform = access::ensure_platform_organization(db, "Bench");
    CHECK(platform);
    organization = platform->id;
    const auto connected = db.transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization,
                                     {.fields = {.stripe_account = "acct_bench", .name = ""},
                                      .version = {clock.now(), 0},
                                      .joined_at = clock.now()});
    });
    CHECK(connected);
  }

  void empty() {
    (void)db.transact([](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed("TRUNCATE inbox, inbox_queue, inbox_failures, inbox_set_aside");
      return {};
    });
  }

  bench::LoadResult drive(std::vector<http::Route> routes, std::size_t connections, int workers) {
    http::Router router;
    for (auto& route : routes) router.add(std::move(route));
    http::Server server(std::move(router), {.port = 0, .workers = workers});
    CHECK(server.start());
    bench::LoadPlan plan;
    plan.port = server.port();
    plan.connections = connections;
    plan.requests = signed_requests(++run, to_unix(clock.now()));
    plan.measured = std::chrono::milliseconds(3'000);
    return bench::run_load(std::move(plan));
  }

  // What a service does that commits each event by itself: the same checks, the same rows.
  http::Route one_commit_each() {
    http::Route route;
    route.method = "POST";
    route.pattern = "/webhooks/stripe";
    route.max_body = 2 * 1024 * 1024;
    route.handler = [this](http::Context& context) {
      const auto& request = context.request;
      const auto verified = verifier.verify(
          request.body, request.header("stripe-signature").value_or(""), clock.now());
      auto head = webhooks::read_head(request.body);
      if (!verified || !head) return http::Reply{400, "", "text/plain", {}};
      const webhooks::Received event{std::move(*head), request.body, organization, {}};
      const webhooks::Received* const one[] = {&event};
      const auto stored = db.transact([&](pg::Tx& tx) -> Result<void> {
        webhooks::inbox_store::insert(tx, one);
        return {};
      });
      return http::Reply{stored ? 200 : 503, R"({"received":true})", "application/json", {}};
    };
    return route;
  }

  // The same rows in batches of the same size, from one loop with nothing around it.
  double bare_inserts(std::size_t batch) {
    std::vector<webhooks::Received> events;
    const std::size_t count = std::min<std::size_t>(kEvents, 60'000);
    ++run;
    for (std::size_t n = 0; n < count; ++n) {
      const std::string body = event_body(run, n, to_unix(clock.now()));
      events.push_back({*webhooks::read_head(body), body, organization, {}});
    }
    const auto start = SteadyClock::now();
    for (std::size_t from = 0; from < count; from += batch) {
      std::vector<const webhooks::Received*> some;
      for (std::size_t n = from; n < std::min(count, from + batch); ++n) some.push_back(&events[n]);
      (void)db.transact([&](pg::Tx& tx) -> Result<void> {
        webhooks::inbox_store::insert(tx, some);
        return {};
      });
    }
    return static_cast<double>(count) / seconds_since(start);
  }

  void compare(std::size_t connections) {
    empty();
    double ours = 0, batch = 0;
    {
      webhooks::Inbox inbox(db, clock, {});
      const auto result = drive(webhooks::webhook_routes(verifier, inbox, clock), connections, 4);
      const auto counts = inbox.counts();
      ours = result.per_second;
      batch = static_cast<double>(counts.stored) /
              static_cast<double>(std::max<std::uint64_t>(counts.batches, 1));
      fmt::print(
          "{:>4} connections  group commit      {:>7.0f}/s  p50 {:>6.2f} ms  p99 {:>6.2f} ms  "
          "{:.0f} a commit, {} failed\n",
          connections, ours, result.p50_ms, result.p99_ms, batch, result.failures);
    }
    empty();
    const auto single = drive({one_commit_each()}, connections, 16);
    fmt::print(
        "{:>4} connections  one commit each   {:>7.0f}/s  p50 {:>6.2f} ms  p99 {:>6.2f} ms  {} "
        "failed\n",
        connections, single.per_second, single.p50_ms, single.p99_ms, single.failures);
    empty();
    const double bare = bare_inserts(static_cast<std::size_t>(std::max(1.0, batch)));
    fmt::print("                  bare inserts      {:>7.0f}/s\n", bare);
    fmt::print(
        "                  ratio: {:.2f} times one commit each, {:.2f} of the bare inserts\n\n",
        ours / single.per_second, ours / bare);
  }

  // Deliveries while two threads apply them, and how fast what was left is applied alone.
  void apply() {
    empty();
    webhooks::ApplyWorkers workers(db, appliers, {.threads = 2, .batch = 500});
    webhooks::Inbox::Options options;
    options.stored = [&] { workers.nudge(); };
    webhooks::Inbox inbox(db, clock, options);
    const auto result = drive(webhooks::webhook_routes(verifier, inbox, clock), 64, 4);
    const auto during = workers.counts().applied;
    const auto stored = inbox.counts().stored;
    const auto start = SteadyClock::now();
    while (workers.counts().applied < stored && seconds_since(start) < 60) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const double took = seconds_since(start);
    fmt::print(
        "applying beside {:.0f}/s delivered: {} of {} applied when the last was answered, the rest "
        "in {:.2f} s"
        " ({:.0f}/s alone)\n",
        result.per_second, during, stored, took,
        static_cast<double>(stored - during) / std::max(took, 0.001));
  }

  SystemClock clock;
  pg::Database db;
  stripe::SignatureVerifier verifier;
  mirror::Appliers appliers;
  OrgId organization;
  std::size_t run = 0;
};

int run() {
  const std::string folder = "/tmp/payoutd-bench-webhooks-" + std::to_string(::getpid());
  auto server = pg::Embedded::start({.data_dir = folder});
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().message);
    return 1;
  }
  CHECK(pg::migrate({.url = server->url()}));
  bench::allow_many_files();
  {
    Bench bench(server->url());
    bench.compare(64);
    bench.compare(256);
    bench.apply();
  }
  server->stop();
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace payoutd

int main() { return payoutd::run(); }
