// The parts of one process of `payoutd serve`, in the order in which they need each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/idempotency.h"
#include "access/keys.h"
#include "app/service.h"
#include "app/standing_gauges.h"
#include "balances/balance.h"
#include "http/metrics.h"
#include "http/server.h"
#include "jobs/duties.h"
#include "jobs/worker.h"
#include "mirror/apply.h"
#include "mirror/own_account.h"
#include "payouts/stripe_payouts.h"
#include "pg/database.h"
#include "pg/migrate.h"
#include "stripe/client.h"
#include "stripe/signature.h"
#include "sync/sync.h"
#include "sync/sync_gauges.h"
#include "webhooks/apply.h"
#include "webhooks/inbox.h"

namespace payoutd::app {

struct Service::Parts {
  // `stripe_client` is null without a key: nothing is asked of Stripe.
  Parts(const Options& options, std::unique_ptr<pg::Database> database,
        std::unique_ptr<stripe::Client> stripe_client);

  // Everything that the folders have the workers do.
  std::vector<jobs::Duties> all_duties();
  // Creates the schedules that are not there, and enqueues what a start must catch up with.
  Result<void> begin_duties();
  http::Router router();
  void publish();  // what is counted elsewhere, into the metrics

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
  const std::unique_ptr<stripe::Client> client;
  balances::Balances balances;
  const std::unique_ptr<mirror::OwnAccount> own_account;  // null without a key, like the next two
  const std::unique_ptr<payouts::SendingParts> sending;
  const std::unique_ptr<payouts::StripePayouts> stripe_payouts;
  webhooks::ApplyWorkers apply;
  webhooks::Inbox inbox;
  const std::unique_ptr<sync::Syncer> syncer;  // null without a key
  const std::vector<jobs::Duties> duties;
  jobs::Worker worker;
  sync::Gauges mirror_gauges;
  StandingGauges standing;
  std::string contract;                  // as JSON
  std::string page;                      // as HTML
  std::unique_ptr<http::Server> server;  // the last to come, the first to go
};

// Of the service itself; the gauges read on a connection beside it.
pg::Database::Options database_options(const Service::Options& options);

}  // namespace payoutd::app
