// What the commands share: the exit codes, how errors are said, and the database they work on.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "access/organizations.h"
#include "app/config.h"
#include "app/local_database.h"
#include "base/json.h"
#include "base/result.h"
#include "pg/database.h"

namespace payoutd::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kFound = 3;

// What the chosen command does, filled in by its callback and run after parsing.
using Action = std::function<int()>;

// Says the error on standard error, as JSON when `json`; returns the exit code for it: kWrongUsage
// for an argument or a setting that can't be read (`invalid_…`).
int fail(const Error& error, bool json = false);

void print(const OrderedJson& json);  // one line on standard output
void say(const std::string& line);    // for people, on standard error

// What an option takes; anything else is wrong usage, and the message names what it may be.
CLI::Validator one_of(std::vector<std::string> words);
CLI::Validator account_id();  // acct_…

Result<app::Config> load_config();

// The database of a command, migrated to this program's schema.
struct Opened {
  app::LocalDatabase local;
  std::unique_ptr<pg::Database> db;
};
// Errors: of the settings, the embedded server, and `migration_missing`, which says what to run.
Result<Opened> open_database(const app::Config& config);

// Runs `body(db, config)`, which returns an exit code; says what goes wrong before.
int with_database(bool json, const std::function<int(pg::Database&, const app::Config&)>& body);

// A command that is one step on the database, with `--json` among its options.
template <class Options>
void bind(CLI::App& command, Action& action, const std::shared_ptr<Options>& options,
          int (*step)(pg::Database&, const app::Config&, Options&)) {
  command.add_flag("--json", options->json, "answer as JSON");
  command.callback([&action, options, step] {
    action = [options, step] {
      return with_database(options->json, [&](pg::Database& db, const app::Config& config) {
        return step(db, config, *options);
      });
    };
  });
}

inline void add_organization(CLI::App& command, std::string& organization) {
  command.add_option("--organization", organization, "name or id (default: the platform's own)");
}

// By its name or its id; without either the platform's own. Error: 404 `organization_not_found`.
Result<access::Organization> organization_of(pg::Database& db, const std::string& given);

void add_serve(CLI::App& program, Action& action);
void add_migrate(CLI::App& program, Action& action);
void add_accounts(CLI::App& program, Action& action);
void add_keys(CLI::App& program, Action& action);
void add_events(CLI::App& program, Action& action);
void add_dlq(CLI::App& program, Action& action);
void add_review(CLI::App& program, Action& action);
void add_sync(CLI::App& program, Action& action);
void add_verify(CLI::App& program, Action& action);
void add_report(CLI::App& program, Action& action);
void add_doctor(CLI::App& program, Action& action);
void add_dev(CLI::App& program, Action& action);
void add_sim(CLI::App& program, Action& action);

}  // namespace payoutd::cli
