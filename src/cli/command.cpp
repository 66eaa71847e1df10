#include "cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "pg/migrate.h"

namespace payoutd::cli {

int fail(const Error& error, bool json) {
  if (json) {
    OrderedJson body{{"code", error.code}, {"message", log::redact(error.message)}};
    if (!error.param.empty()) body["param"] = error.param;
    print(OrderedJson{{"error", body}});
  } else {
    say("payoutd: " + log::redact(error.message));
  }
  const bool unreadable = error.kind == Kind::invalid && error.code.starts_with("invalid_");
  return unreadable ? kWrongUsage : kFailed;
}

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string all = fmt::format("{}", fmt::join(words, ", "));
  return {[words = std::move(words), all](std::string& given) {
            const bool known = std::ranges::find(words, given) != words.end();
            return known ? std::string{} : fmt::format("\"{}\" is none of {}", given, all);
          },
          all};
}

CLI::Validator account_id() {
  return {[](std::string& given) {
            return given.starts_with("acct_") ? std::string{}
                                              : fmt::format("\"{}\" is no acct_…", given);
          },
          ""};
}

void print(const OrderedJson& json) {
  std::fputs((dump(json) + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void say(const std::string& line) { std::fputs((line + "\n").c_str(), stderr); }

Result<app::Config> load_config() {
  auto variables = app::read_variables();
  if (!variables) return variables.error();
  return app::parse_config(*variables);
}

Result<Opened> open_database(const app::Config& config) {
  auto local = app::LocalDatabase::open(config, app::LocalDatabase::Use::share, say);
  if (!local) return local.error();
  if (auto migrated = pg::check_migrated({.url = local->url()}); !migrated) return migrated.error();
  auto db = std::make_unique<pg::Database>(pg::Database::Options{
      .url = local->url(), .max_connections = 4, .application_name = "payoutd command"});
  return Opened{std::move(*local), std::move(db)};
}

Result<access::Organization> organization_of(pg::Database& db, const std::string& given) {
  if (given.empty()) {
    // Only looked for, where it is there: a report is also read from a database that takes no
    // writes.
    auto platform = access::platform_organization(db);
    if (!platform) return platform.error();
    if (*platform) return **platform;
    return access::ensure_platform_organization(db, "Platform");
  }
  if (const auto id = OrgId::parse(given)) return access::find_organization(db, *id);
  return access::find_organization(db, std::string_view(given));
}

int with_database(bool json, const std::function<int(pg::Database&, const app::Config&)>& body) {
  const auto config = load_config();
  if (!config) return fail(config.error(), json);
  auto opened = open_database(*config);
  if (!opened) return fail(opened.error(), json);
  return body(*opened->db, *config);
}

}  // namespace payoutd::cli
