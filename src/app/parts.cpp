#include "app/parts.h"

#include "app/stripe_client.h"
#include "app/wiring.h"
#include "jobs/queue_gauges.h"
#include "jobs/schedules.h"
#include "mirror/mirror_jobs.h"
#include "rails/instruction_gauges.h"
#include "sync/sync_jobs.h"
#include "webhooks/webhooks_gauges.h"
#include "webhooks/webhooks_jobs.h"

namespace payoutd::app {
namespace {

constexpr int kApplyThreads = 2;
constexpr int kJobThreads = 6;
// Workers, appliers, the inbox's writers, the keeper of idempotency keys, jobs, and some to spare.
constexpr int kConnections = 40;

constexpr const char* kPurgeKeysJob = "access.purge_idempotency_keys";

// access and jobs stand in one row, so the job of access is made here.
jobs::Duties idempotency_duties(access::Idempotency& idempotency) {
  return {.handlers = {{kPurgeKeysJob,
                        [&idempotency](jobs::Run&) -> Result<void> {
                          idempotency.purge();
                          return {};
                        }}},
          .schedules = {
              {.name = "purge idempotency keys", .spec = "03:45", .job_kind = kPurgeKeysJob}}};
}

std::vector<jobs::Handler> handlers_of(const std::vector<jobs::Duties>& duties) {
  std::vector<jobs::Handler> all;
  for (const jobs::Duties& of_folder : duties)
    all.insert(all.end(), of_folder.handlers.begin(), of_folder.handlers.end());
  return all;
}

}  // namespace

pg::Database::Options database_options(const Service::Options& options) {
  return {.url = options.database_url,
          .max_connections = kConnections,
          .application_name = "payoutd serve",
          .replica_url = options.config.replica_url};
}

Service::Parts::Parts(const Options& options, std::unique_ptr<pg::Database> database,
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
      apply(db, appliers, {.threads = kApplyThreads}),
      inbox(db, clock, {.livemode = livemode_of(config), .stored = [this] { apply.nudge(); }}),
      syncer(client ? std::make_unique<sync::Syncer>(db, *client, appliers, clock,
                                                     sync_settings(config))
                    : nullptr),
      duties(all_duties()),
      worker(db, clock, handlers_of(duties),
             {.threads = kJobThreads, .listen_url = options.database_url}),
      mirror_gauges(clock),
      standing(
          database_options(options), metrics,
          {[this](pg::Tx& tx, http::Metrics& to) { webhooks::publish_standing(tx, to, apply); },
           [this](pg::Tx& tx, http::Metrics& to) {
             rails::publish_unresolved(tx, to, clock.now());
           },
           jobs::publish_backlog,
           [this](pg::Tx& tx, http::Metrics& to) { mirror_gauges.publish(tx, to); }}) {}

std::vector<jobs::Duties> Service::Parts::all_duties() {
  const auto livemode = livemode_of(config);
  std::vector<jobs::Duties> all{
      webhooks::duties(
          {.db = db, .clock = clock, .livemode = livemode, .adopted = [this] { apply.nudge(); }}),
      idempotency_duties(idempotency),
      sync::duties({.db = db,
                    .clock = clock,
                    .appliers = appliers,
                    .client = client.get(),
                    .syncer = syncer.get(),
                    .livemode = livemode.value_or(false)})};
  if (!client) return all;
  all.push_back(stripe_payouts->resolver().duties());
  all.push_back({.handlers = mirror::mirror_handlers(db, *client, appliers, webhooks::end_fetch)});
  return all;
}

Result<void> Service::Parts::begin_duties() {
  return db.transact([&](pg::Tx& tx) -> Result<void> {
    for (const jobs::Duties& of_folder : duties) {
      for (const jobs::Schedule& schedule : of_folder.schedules) {
        if (auto ensured = jobs::ensure_schedule(tx, schedule, clock.now()); !ensured)
          return ensured.error();
      }
      of_folder.at_start(tx);
    }
    return {};
  });
}

void Service::Parts::publish() {
  http::publish(server->counts(), metrics);
  webhooks::publish_counts(metrics, inbox, apply);
  const auto set = [this](const char* name, const char* help, auto value) {
    metrics.gauge(name, help).Set(static_cast<double>(value));
  };
  if (client) {
    const auto counts = client->counts();
    set("payoutd_stripe_requests", "Requests sent to Stripe since the start, repeats included.",
        counts.sends);
    set("payoutd_stripe_limited", "Of them answered 429.", counts.limited);
    set("payoutd_stripe_waiting", "Requests to Stripe that wait for their turn.", counts.waiting);
  }
  const auto pool = db.state();
  set("payoutd_database_connections", "Connections to the database.", pool.open);
  set("payoutd_database_waiting", "Threads that wait for a connection.", pool.waiting);
  const bool database_up = db.alive();
  set("payoutd_database_up", "1 while the database answers.", database_up ? 1 : 0);
  if (database_up) standing.publish();
  else standing.tell_age();
}

}  // namespace payoutd::app
