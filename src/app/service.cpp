#include "app/service.h"

#include <fmt/format.h>

#include <chrono>
#include <future>

#include "access/organizations.h"
#include "app/docs_page.h"
#include "app/parts.h"
#include "app/stripe_client.h"
#include "base/log.h"
#include "http/openapi.h"

namespace payoutd::app {
namespace {

constexpr int kWorkers = 8;
constexpr int kStripeWorkers = 16;
// That a stopping service waits for what was sent to Stripe: cut, its outcome would be unknown.
constexpr std::chrono::seconds kStripeDrain{5};

constexpr const char* kAbout =
    "What a platform on Stripe holds, owes and has paid out. Amounts are whole minor units with an "
    "ISO 4217 code, and `amount_decimal` beside them; times are ISO 8601 in UTC. Every path that "
    "begins with /api also answers without it.";

}  // namespace

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

  if (auto ensured = parts->begin_duties(); !ensured) return ensured.error();

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
