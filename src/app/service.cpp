#include "app/service.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "access/accounts_api.h"
#include "access/guard.h"
#include "access/keys_api.h"
#include "access/organizations.h"
#include "access/unavailable.h"
#include "app/docs_page.h"
#include "app/standing_gauges.h"
#include "app/stripe_client.h"
#include "app/system_api.h"
#include "app/wiring.h"
#include "balances/balances_api.h"
#include "base/log.h"
#include "http/openapi.h"
#include "http/server.h"
#include "jobs/queue.h"
#include "jobs/schedules.h"
#include "jobs/worker.h"
#include "mirror/balance_transactions_api.h"
#include "mirror/mirror_jobs.h"
#include "payouts/payouts_api.h"
#include "payouts/stripe_payouts_api.h"
#include "pg/database.h"
#include "pg/migrate.h"
#include "reports/reports_api.h"
#include "stripe/client.h"
#include "stripe/signature.h"
#include "sync/find_account.h"
#include "sync/freshness.h"
#include "sync/sync_api.h"
#include "sync/sync_jobs.h"
#include "webhooks/apply.h"
#include "webhooks/unknown_accounts.h"
#include "webhooks/webhooks_api.h"
#include "webhooks/weeks.h"

namespace payoutd::app {
namespace {

constexpr int kWorkers = 8;
constexpr int kStripeWorkers = 16;
// That a stopping service waits for what was sent to Stripe: cut, its outcome would be unknown.
constexpr std::chrono::seconds kStripeDrain{5};
constexpr int kApplyThreads = 2;
constexpr int kJobThreads = 6;
// Workers, appliers, the inbox's writers, the keeper of idempotency keys, jobs, and some to spare.
constexpr int kConnections = 40;

constexpr const char* kAbout =
    "What a platform on Stripe holds, owes and has paid out. Amounts are whole minor units with an "
    "ISO "
    "4217 code, and `amount_decimal` beside them; times are ISO 8601 in UTC. Every path that "
    "begins with "
    "/api also answers without it.";

pg::Database::Options database_options(const Service::Options& options) {
  return {.url = options.database_url,
          .max_connections = kConnections,
          .application_name = "payoutd serve",
          .replica_url = options.config.replica_url};
}

}  // namespace

struct Service::Parts {
  Parts(const Options& options, std::unique_ptr<pg::Database> database,
        std::unique_ptr<stripe::Client> stripe_client)
      : config(options.config),
        clock(*options.clock),
        owned_db(std::move(database)),
        db(*owned_db),
        migrations{.url = options.database_url, .table_lock_ms = 1'000, .connect_ms = 1'000},
        keys(db),
        idempotency(db),
        verifier(config.webhook_secrets),
        appliers(all_appliers()),
        client(std::move(stripe_client)),
        balances(client.get()),
        own_account(client ? std::make_unique<mirror::OwnAccount>(*client) : nullptr),
        sending(client ? std::make_unique<payouts::SendingParts>(
                             payouts::SendingParts{.db = db,
                                                   .client = *client,
                                                   .appliers = appliers,
                                                   .clock = clock,
                                                   .own_account = *own_account,
                                                   .settings = {}})
                       : nullptr),
        stripe_payouts(client ? std::make_unique<payouts::StripePayouts>(*sending) : nullptr),
        apply(db, appliers, {.threads = kApplyThreads, .follow_up = mirror::enqueue_after_events}),
        inbox(db, clock, inbox_options()),
        syncer(client ? std::make_unique<sync::Syncer>(db, *client, appliers, clock,
                                                       sync_settings(config))
                      : nullptr),
        worker(db, clock, handlers(), {.threads = kJobThreads, .listen_url = options.database_url}),
        standing(database_options(options), clock, metrics, apply) {}

  std::vector<jobs::Handler> handlers();

  webhooks::Inbox::Options inbox_options() {
    webhooks::Inbox::Options inbox_options;
    inbox_options.placement.livemode = livemode_of(config);
    inbox_options.placement.handles = [](const std::string& type) {
      return webhooks::find_event_type(type) != nullptr;
    };
    inbox_options.stored = [this] { apply.nudge(); };
    return inbox_options;
  }

  http::Router router();
  Result<void> ensure_schedules();
  void publish();

  const Config config;
  const Clock& clock;
  const std::unique_ptr<pg::Database> owned_db;
  pg::Database& db;
  const pg::MigrateOptions migrations;
  http::Metrics metrics;
  access::Keys keys;
  access::Idempotency idempotency;
  stripe::SignatureVerifier verifier;
  const mirror::Appliers appliers;
  const std::unique_ptr<stripe::Client> client;  // null without a key: nothing is asked of Stripe
  balances::Balances balances;
  const std::unique_ptr<mirror::OwnAccount> own_account;  // null without a key, like the next two
  const std::unique_ptr<payouts::SendingParts> sending;
  const std::unique_ptr<payouts::StripePayouts> stripe_payouts;
  webhooks::ApplyWorkers apply;
  webhooks::Inbox inbox;
  const std::unique_ptr<sync::Syncer> syncer;  // null without a key
  jobs::Worker worker;
  StandingGauges standing;
  std::string contract;                  // as JSON
  std::string page;                      // as HTML
  std::unique_ptr<http::Server> server;  // the last to come, the first to go
};

std::vector<jobs::Handler> Service::Parts::handlers() {
  std::vector<jobs::Handler> handlers{
      {"inbox.drop_old_weeks",
       [this](jobs::Run&) -> Result<void> {
         webhooks::make_weeks(db, clock.now());
         const auto dropped = webhooks::drop_old_weeks(db, clock.now());
         if (!dropped) return dropped.error();
         return {};
       }},
      webhooks::adopt_handler({.db = db,
                               .clock = clock,
                               .livemode = livemode_of(config),
                               .adopted = [this] { apply.nudge(); }}),
      {"access.purge_idempotency_keys",
       [this](jobs::Run&) -> Result<void> {
         idempotency.purge();
         return {};
       }},
      sync::purge_handler(db, clock)};
  if (!client) return handlers;
  for (auto& handler : stripe_payouts->resolver().handlers())
    handlers.push_back(std::move(handler));
  for (auto& handler : mirror::mirror_handlers(db, *client, appliers, webhooks::end_fetch))
    handlers.push_back(std::move(handler));
  for (auto& handler : sync::sync_handlers(*syncer, db, *client, appliers))
    handlers.push_back(std::move(handler));
  handlers.push_back(sync::read_transactions_handler(db, *client, appliers, clock));
  handlers.push_back(
      sync::find_account_handler(db, *client, clock, livemode_of(config).value_or(false)));
  return handlers;
}

// What the program does by itself; a person may disable each.
Result<void> Service::Parts::ensure_schedules() {
  return db.transact([&](pg::Tx& tx) -> Result<void> {
    for (const jobs::Schedule& schedule : {
             jobs::Schedule{.name = "drop old weeks of the inbox",
            .spec = "03:30",
            .job_kind = "inbox.drop_old_weeks"},
             jobs::Schedule{.name = "purge idempotency keys",
             .spec = "03:45",
             .job_kind = "access.purge_idempotency_keys"},
             jobs::Schedule{.name = "apply events of accounts that became known",
             .repeats = jobs::Repeats::interval,
             .spec = "1h",
             .job_kind = mirror::kAdoptEventsJob},
             sync::nightly_purge(),
         }) {
      if (auto ensured = jobs::ensure_schedule(tx, schedule, clock.now()); !ensured)
        return ensured.error();
    }
    mirror::enqueue_adoption(tx);
    // Makes the weeks that were not made while no instance ran.
    jobs::enqueue(tx, jobs::Job{.kind = "inbox.drop_old_weeks", .unique_key = "start"});
    if (!client) return {};
    const jobs::Schedule resolving{.name = "look into payouts whose outcome is not known",
                                   .repeats = jobs::Repeats::interval,
                                   .spec = "1h",
                                   .job_kind = payouts::kResolveAllJob,
                                   .job_priority = jobs::Priority::money};
    if (auto ensured = jobs::ensure_schedule(tx, resolving, clock.now()); !ensured)
      return ensured.error();
    if (auto ensured = jobs::ensure_schedule(tx, sync::nightly_run(), clock.now()); !ensured)
      return ensured.error();
    // What happened while no instance ran; the webhooks tell of the rest.
    sync::enqueue_run_of_all(tx, "start");
    return {};
  });
}

http::Router Service::Parts::router() {
  http::Router router;
  const auto add = [&router](std::vector<http::Route> routes) {
    for (http::Route& route : routes) router.add(std::move(route));
  };
  add(system_routes({.db = db,
                     .metrics = metrics,
                     .migrated = [this] { return pg::check_migrated(migrations); },
                     .publish = [this] { publish(); },
                     .contract = [this]() -> const std::string& { return contract; },
                     .page = [this]() -> const std::string& { return page; }}));
  add(access::keys_routes(keys));
  add(access::accounts_routes(db));
  add(balances::balance_routes(db, balances));
  add(mirror::balance_transaction_routes(db));
  add(payouts::payout_routes(db));
  add(payouts::stripe_payout_routes(db, stripe_payouts.get(), balances));
  add(webhooks::webhook_routes(verifier, inbox, clock));
  add(sync::sync_routes(db, syncer.get(), clock));
  add(reports::report_routes(db, clock));
  access::guard(router, keys, idempotency);
  return router;
}

void Service::Parts::publish() {
  http::publish(server->counts(), metrics);
  const auto inbox_counts = inbox.counts();
  metrics.gauge("payoutd_inbox_waiting", "Events that wait for their commit.")
      .Set(static_cast<double>(inbox_counts.waiting));
  metrics.gauge("payoutd_inbox_stored", "Events stored since the start.")
      .Set(static_cast<double>(inbox_counts.stored));
  metrics.gauge("payoutd_inbox_duplicates", "Deliveries of events that were stored already.")
      .Set(static_cast<double>(inbox_counts.duplicates));
  metrics.gauge("payoutd_inbox_refused", "Events answered 503.")
      .Set(static_cast<double>(inbox_counts.refused));
  const auto apply_counts = apply.counts();
  metrics.gauge("payoutd_events_applied", "Events applied since the start.")
      .Set(static_cast<double>(apply_counts.applied));
  metrics.gauge("payoutd_events_failed", "Events set aside since the start.")
      .Set(static_cast<double>(apply_counts.failed));
  if (client) {
    const auto stripe_counts = client->counts();
    metrics
        .gauge("payoutd_stripe_requests",
               "Requests sent to Stripe since the start, repeats included.")
        .Set(static_cast<double>(stripe_counts.sends));
    metrics.gauge("payoutd_stripe_limited", "Of them answered 429.")
        .Set(static_cast<double>(stripe_counts.limited));
    metrics.gauge("payoutd_stripe_waiting", "Requests to Stripe that wait for their turn.")
        .Set(static_cast<double>(stripe_counts.waiting));
  }
  const auto pool = db.state();
  metrics.gauge("payoutd_database_connections", "Connections to the database.").Set(pool.open);
  metrics.gauge("payoutd_database_waiting", "Threads that wait for a connection.")
      .Set(pool.waiting);
  const bool database_up = db.alive();
  metrics.gauge("payoutd_database_up", "1 while the database answers.").Set(database_up ? 1 : 0);
  if (database_up) standing.publish();
  else standing.tell_age();
}

Result<std::unique_ptr<Service>> Service::start(Options options) {
  CHECK(options.clock != nullptr);
  pg::MigrateOptions migrate{.url = options.database_url};
  migrate.progress = [](const pg::MigrationStep& step) {
    if (step.duration_ms > 0)
      log::info("migrated", {{"file", step.name}, {"ms", step.duration_ms}});
  };
  migrate.ahead = [](const std::string& newest) {
    log::warn("the database was migrated by a later program", {{"newest", newest}});
  };
  if (auto migrated = pg::migrate(migrate); !migrated) return migrated.error();

  auto db = std::make_unique<pg::Database>(database_options(options));
  auto client = open_stripe(options.config, *db, *options.clock);
  if (!client) return client.error();
  auto parts = std::make_unique<Parts>(options, std::move(db), *std::move(client));
  auto platform = access::ensure_platform_organization(parts->db, "Platform");
  if (!platform) return platform.error();

  if (auto ensured = parts->ensure_schedules(); !ensured) return ensured.error();

  http::Router router = parts->router();
  const OrderedJson contract =
      http::openapi(router.routes(), {.version = PAYOUTD_VERSION, .description = kAbout});
  parts->contract = dump(contract);
  parts->page = docs_page(contract);
  parts->server = std::make_unique<http::Server>(
      std::move(router), http::Server::Options{.host = options.config.listen.host,
                                               .port = options.config.listen.port,
                                               .workers = kWorkers,
                                               .stripe_workers = kStripeWorkers,
                                               .metrics = &parts->metrics});
  if (auto listening = parts->server->start(); !listening) return listening.error();
  return std::unique_ptr<Service>(new Service(std::move(parts)));
}

Service::Service(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Service::~Service() = default;

std::uint16_t Service::port() const { return parts_->server->port(); }

std::string Service::url() const {
  const std::string& host = parts_->config.listen.host;
  const bool any = host == "0.0.0.0" || host == "::";
  const std::string name = any                                   ? "127.0.0.1"
                           : host.find(':') == std::string::npos ? host
                                                                 : "[" + host + "]";
  return fmt::format("http://{}:{}", name, port());
}

// Requests and jobs that wait for Stripe are answered by its client's end, and write down what is
// known: the intent that they committed is resolved by other instances, or by the next start.
bool Service::stop() {
  if (parts_->syncer) parts_->syncer->stop();
  parts_->worker.begin_stop();
  auto answered = std::async(std::launch::async, [this] { return parts_->server->stop(); });
  if (parts_->client) parts_->client->stop(kStripeDrain);
  const bool worked = parts_->worker.stop();
  return answered.get() && worked;
}

}  // namespace payoutd::app
