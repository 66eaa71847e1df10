#include <unistd.h>

#include "cli/command.h"
#include "pg/migrate.h"

namespace payoutd::cli {
namespace {

int migrate(bool json) {
  const auto config = load_config();
  if (!config) return fail(config.error(), json);
  auto local = app::LocalDatabase::open(*config, app::LocalDatabase::Use::share, say);
  if (!local) return fail(local.error(), json);
  pg::MigrateOptions options{.url = local->url()};
  options.progress = [](const pg::MigrationStep& step) {
    if (step.number == 0) say("waiting for another instance that migrates");
    else if (step.duration_ms > 0) {
      say(fmt::format("{}/{} {} ({} ms)", step.position, step.count, step.name, step.duration_ms));
    }
  };
  std::string newest;
  options.ahead = [&newest](const std::string& file) { newest = file; };
  const auto applied = pg::migrate(options);
  if (!applied) return fail(applied.error(), json);
  if (json) {
    OrderedJson answer{{"applied", *applied}, {"known", pg::migrations().size()}};
    answer["ahead"] = newest.empty() ? OrderedJson(nullptr) : OrderedJson(newest);
    print(answer);
    return kDone;
  }
  if (!newest.empty()) say("the database is already at " + newest + ", of a later program");
  say(*applied == 0 ? "nothing to do" : fmt::format("{} migrations applied", *applied));
  return kDone;
}

}  // namespace

void add_migrate(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand("migrate", "Bring the database to this program's schema");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "answer as JSON");
  command->callback([&action, json] { action = [json] { return migrate(*json); }; });
}

}  // namespace payoutd::cli
