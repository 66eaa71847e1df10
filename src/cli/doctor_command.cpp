#include <chrono>

#include "app/stripe_client.h"
#include "cli/command.h"
#include "pg/migrate.h"
#include "sync/discovery.h"
#include "sync/standing.h"

namespace payoutd::cli {
namespace {

// Of each question to Stripe: for its turn, and then for its answer.
constexpr std::chrono::seconds kDoctorWaits{10};

struct Finding {
  std::string check;
  bool good;
  std::string says;
};

const char* says(pg::Database::Health health) {
  switch (health) {
    case pg::Database::Health::away: return "does not answer";
    case pg::Database::Health::read_only: return "answers, and takes no writes";
    case pg::Database::Health::good: break;
  }
  return "answers";
}

Finding examine_schema(const Secret& url) {
  std::string found = "current";
  pg::MigrateOptions options{.url = url};
  options.ahead = [&found](const std::string& newest) {
    found = "current; the database is already at " + newest + ", of a later program";
  };
  const auto migrated = pg::check_migrated(options);
  if (!migrated) return {"schema", false, migrated.error().message};
  return {"schema", true, found};
}

// One attempt, and an end to the wait for its turn: a person waits.
stripe::Request asking(const char* path) {
  return stripe::Request::get(path, stripe::Form{})
      .with(stripe::Retries::none())
      .with(std::chrono::milliseconds{kDoctorWaits})
      .until(std::chrono::steady_clock::now() + kDoctorWaits);
}

Finding ask_stripe(stripe::Client& client, const char* path) {
  const auto answer = client.call(asking(path));
  const std::string check = "Stripe, " + std::string(path).substr(0, std::string(path).find('?'));
  if (answer) return {check, true, "answers"};
  if (sync::has_no_connect(answer.error()))
    return {check, true, "no Connect: there are no connected accounts"};
  return {check, false, sync::trouble_with(path, answer.error())};
}

// Once Stripe has said that it answers.
Finding examine_key(stripe::Client& client, pg::Database& db) {
  mirror::OwnAccount own(client, asking("/v1/account"));
  const auto another = sync::another_platform(db, own);
  return {"the key's platform", !another,
          another ? another->message : "no other one than this database's is known"};
}

void examine_stripe(const app::Config& config, pg::Database& db, std::vector<Finding>& findings) {
  const SystemClock clock;
  const auto client = app::open_stripe(config, db, clock);
  if (!client) {
    findings.push_back({"Stripe", false, client.error().message});
    return;
  }
  const Finding own = ask_stripe(**client, "/v1/account");
  findings.push_back(own);
  findings.push_back(ask_stripe(**client, "/v1/accounts?limit=1"));
  if (own.good) findings.push_back(examine_key(**client, db));
}

Finding freshness(pg::Database& db) {
  const auto standing =
      db.read([](pg::Tx& tx) -> Result<sync::Standing> { return sync::standing(tx); });
  if (!standing) return {"freshness", false, standing.error().message};
  return {"freshness", true,
          standing->fresh_until ? "every active account's transactions are known until " +
                                      to_iso(*standing->fresh_until)
                                : "no account is known yet"};
}

std::vector<Finding> examine(const app::Config& config) {
  std::vector<Finding> findings;
  auto local =
      app::LocalDatabase::open(config, app::LocalDatabase::Use::share, [](const std::string&) {});
  findings.push_back({"database", local.ok(),
                      !local                ? local.error().message
                      : config.database_url ? "DATABASE_URL"
                                            : "embedded, in " + local->folder()});
  if (local) {
    pg::Database db(
        {.url = local->url(), .max_connections = 2, .wait_ms = 2000, .lock_timeout_ms = 2000});
    const auto health = db.health(2000);
    findings.push_back({"connection", health == pg::Database::Health::good, says(health)});
    if (health != pg::Database::Health::away) {
      findings.push_back(examine_schema(local->url()));
      if (findings.back().good) {
        findings.push_back(freshness(db));
        // Each request's turn is written down in the database.
        if (config.stripe_key && health == pg::Database::Health::good)
          examine_stripe(config, db, findings);
      }
    }
  }
  findings.push_back({"STRIPE_SECRET_KEY", config.stripe_key.has_value(),
                      config.stripe_key ? "set" : "not set: nothing is asked of Stripe"});
  const auto secrets = config.webhook_secrets.size();
  findings.push_back(
      {"STRIPE_WEBHOOK_SECRETS", secrets > 0,
       secrets > 0 ? fmt::format("{} given", secrets) : "not set: webhooks are answered 503"});
  return findings;
}

int doctor(bool json) {
  const auto config = load_config();
  if (!config) return fail(config.error(), json);
  bool all_good = true;
  OrderedJson list = OrderedJson::array();
  for (const Finding& finding : examine(*config)) {
    all_good &= finding.good;
    if (json) {
      list.push_back({{"check", finding.check}, {"ok", finding.good}, {"message", finding.says}});
    } else {
      std::puts(fmt::format("{}  {:<24} {}", finding.good ? "ok     " : "missing", finding.check,
                            finding.says)
                    .c_str());
    }
  }
  if (json) print(OrderedJson{{"ok", all_good}, {"checks", list}});
  return all_good ? kDone : kFound;
}

}  // namespace

void add_doctor(CLI::App& program, Action& action) {
  auto* command =
      program.add_subcommand("doctor", "Check the settings, the database and what they lack");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "answer as JSON");
  command->callback([&action, json] { action = [json] { return doctor(*json); }; });
}

}  // namespace payoutd::cli
