#include "app/dev.h"

#include <filesystem>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "app/dev_keys.h"
#include "base/log.h"
#include "pg/migrate.h"

namespace payoutd::app {
namespace {

constexpr const char* kPlatformName = "Demo Platform";
constexpr const char* kTenantName = "Second Tenant";
constexpr int kActivityEveryMs = 2'000;
constexpr int kSimulatorRps = 1'000;  // it has no limits of its own

std::string journal_in(const LocalDatabase& database) {
  return database.folder() + "/simulator.journal";
}

// The simulator's answer to a call that must succeed.
Json ask(sim::Sim& sim, const std::string& method, const std::string& path,
         const Json& params = Json::object()) {
  const sim::Answer answer = sim.call(method, path, params);
  if (answer.status != 200) throw Broken("the simulator refused " + path + ": " + answer.body);
  return Json::parse(answer.body);
}

Result<void> connect(pg::Tx& tx, OrgId organization, const Json& account, bool is_platform,
                     Time now) {
  const auto fields = access::account_fields(account);
  if (!fields) return fields.error();
  const auto connected =
      access::connect_account(tx, organization,
                              {.fields = *fields,
                               .version = {now, 0},
                               .livemode = false,
                               .is_platform = is_platform,
                               .joined_at = from_unix(account.value("created", std::int64_t{0}))});
  if (!connected) return connected.error();
  return {};
}

}  // namespace

Result<std::unique_ptr<Dev>> Dev::start(DevOptions options, const LocalDatabase& database) {
  CHECK(database.embedded());
  auto dev = std::unique_ptr<Dev>(new Dev);
  if (auto migrated = pg::migrate({.url = database.url()}); !migrated) return migrated.error();
  if (auto owned = dev->own_platform(database); !owned) return owned.error();
  sim::Options sim_options;
  sim_options.seed = options.seed;
  sim_options.demo = sim::Demo::full;
  sim_options.host = options.sim_listen.host;
  sim_options.port = options.sim_listen.port;
  // A restart on the same data finds the same Stripe.
  sim_options.journal = journal_in(database);
  sim_options.activity_every_ms = options.activity ? kActivityEveryMs : 0;
  dev->sim_ = std::make_unique<sim::Sim>(dev->clock_, sim_options);
  if (auto started = dev->sim_->start(); !started) return started.error();

  if (auto connected = dev->connect_accounts(database.url()); !connected) return connected.error();
  if (auto served = dev->start_service(options, database); !served) return served.error();
  return dev;
}

// The folder may be that of a service: nothing of the demo is written beside real accounts.
Result<void> Dev::own_platform(const LocalDatabase& database) {
  pg::Database db({.url = database.url(), .max_connections = 1});
  const auto platform = access::ensure_platform_organization(db, kPlatformName);
  if (!platform) return platform.error();
  access_.organization = platform->id;
  if (platform->name == kPlatformName || std::filesystem::exists(journal_in(database))) return {};
  return db.read([&](pg::Tx& tx) -> Result<void> {
    if (access::accounts_of(tx, platform->id).empty()) return {};
    return Error{Kind::refused, "database_of_a_service",
                 "the database in " + database.folder() +
                     " has accounts that are not the demo's: give `payoutd dev` another folder "
                     "with --data-dir"};
  });
}

Result<void> Dev::connect_accounts(const Secret& database_url) {
  pg::Database db({.url = database_url, .max_connections = 2});
  const auto tenant = access::ensure_organization(db, kTenantName);
  if (!tenant) return tenant.error();
  const Time now = clock_.now();
  return db.transact([&](pg::Tx& tx) -> Result<void> {
    const Json own = ask(*sim_, "GET", "/v1/account");
    if (auto done = connect(tx, access_.organization, own, true, now); !done) return done.error();
    for (const std::string& id : sim_->connected()) {
      if (id == sim_->second_tenant()) continue;
      const Json account = ask(*sim_, "GET", "/v1/accounts/" + id);
      if (auto done = connect(tx, access_.organization, account, false, now); !done)
        return done.error();
    }
    const Json foreign = ask(*sim_, "GET", "/v1/accounts/" + sim_->second_tenant());
    if (auto done = connect(tx, tenant->id, foreign, false, now); !done) return done.error();
    access_.accounts.clear();
    for (const auto& account : access::accounts_of(tx, access_.organization))
      access_.accounts.push_back(account.id());
    return {};
  });
}

Result<void> Dev::start_service(const DevOptions& options, const LocalDatabase& database) {
  // Where the service will listen is known only once it does: the endpoints are pointed at it then.
  const Json before = ask(*sim_, "GET", "/v1/webhook_endpoints", {{"limit", 100}});
  for (const Json& old : before.at("data")) {
    ask(*sim_, "DELETE", "/v1/webhook_endpoints/" + old.at("id").get<std::string>());
  }
  std::vector<std::string> endpoints;
  Config config = options.config;
  config.webhook_secrets.clear();
  for (const char* connect : {"false", "true"}) {
    const Json made = ask(*sim_, "POST", "/v1/webhook_endpoints",
                          {{"url", "http://127.0.0.1:9/webhooks/stripe"},
                           {"connect", connect},
                           {"enabled_events", {"*"}}});
    endpoints.push_back(made.at("id").get<std::string>());
    config.webhook_secrets.emplace_back(made.at("secret").get<std::string>());
  }
  config.stripe_key = sim_->api_key();
  config.stripe_api_base = sim_->url();
  config.stripe_rps = kSimulatorRps;
  auto service = Service::start({config, database.url(), &clock_});
  if (!service) return service.error();
  service_ = std::move(*service);
  for (const std::string& id : endpoints) {
    ask(*sim_, "POST", "/v1/webhook_endpoints/" + id,
        {{"url", service_->url() + "/webhooks/stripe"}});
  }
  access_.url = service_->url();
  access_.stripe_api_base = sim_->url();
  access_.stripe_key = sim_->api_key();
  access_.webhook_secret = config.webhook_secrets.front();

  pg::Database db({.url = database.url(), .max_connections = 2});
  const auto tenant = access::ensure_organization(db, kTenantName);
  if (!tenant) return tenant.error();
  auto keys = ensure_dev_keys(db, access_.organization, tenant->id, database.folder());
  if (!keys) return keys.error();
  access_.keys = std::move(*keys);
  return {};
}

// The service first: while its client waits for the simulator, neither could end. What the
// simulator still delivers is refused, as by a service that is down.
bool Dev::stop() {
  const bool finished = !service_ || service_->stop();
  if (sim_) sim_->stop();
  return finished;
}

Dev::~Dev() { stop(); }

}  // namespace payoutd::app
