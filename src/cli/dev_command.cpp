#include "app/dev.h"
#include "app/stop_deadline.h"
#include "base/log.h"
#include "cli/command.h"

namespace payoutd::cli {
namespace {

struct DevArguments {
  std::string listen;
  std::string sim_listen;
  std::string data_dir;
  std::uint64_t seed = 1;
  bool no_activity = false;
  bool json = false;
};

OrderedJson to_json(const app::Dev::Access& access, const Secret& database_url) {
  OrderedJson keys;
  for (const auto& [name, key] : access.keys) keys[name] = key.reveal();
  return OrderedJson{{"url", access.url},
                     {"stripe_api_base", access.stripe_api_base},
                     {"stripe_secret_key", access.stripe_key.reveal()},
                     {"webhook_secret", access.webhook_secret.reveal()},
                     {"database_url", database_url.reveal()},
                     {"keys", keys},
                     {"organization_id", access.organization.str()},
                     {"accounts", access.accounts}};
}

void print_for_people(const app::Dev::Access& access, const std::string& folder) {
  const std::string key = access.keys.at("admin").reveal();
  fmt::print(
      "\npayoutd is running; Ctrl-C ends it. Its data stay in {}.\n\n"
      "  service      {}\n"
      "  contract     {}/docs\n"
      "  simulator    {} (a Stripe of its own, with live activity)\n"
      "  admin key    {}\n\n"
      "Try:\n\n"
      "  curl -s -H 'Authorization: Bearer {}' '{}/api/payouts?limit=3'\n\n",
      folder, access.url, access.url, access.stripe_api_base, key, key, access.url);
  std::fflush(stdout);
}

// The settings of `.env` may name a database with real data, and the demo is not for that.
void leave_databases_alone(app::Variables& variables) {
  bool left = false;
  for (const char* name : {"DATABASE_URL", "PAYOUTD_REPLICA_URL"}) {
    left |= !variables[name].empty();
    variables.erase(name);
  }
  if (left)
    say("payoutd dev has a database of its own: DATABASE_URL and PAYOUTD_REPLICA_URL are not used");
}

Result<app::DevOptions> options_of(const DevArguments& arguments) {
  auto variables = app::read_variables();
  if (!variables) return variables.error();
  leave_databases_alone(*variables);
  auto config = app::parse_config(*variables);
  if (!config) return config.error();
  app::DevOptions options{.config = std::move(*config)};
  options.seed = arguments.seed;
  options.activity = !arguments.no_activity;
  if (!arguments.data_dir.empty()) options.config.data_dir = arguments.data_dir;
  for (const auto& [text, into] : {std::pair{&arguments.listen, &options.config.listen},
                                   std::pair{&arguments.sim_listen, &options.sim_listen}}) {
    if (text->empty()) continue;
    auto address = app::parse_address(*text);
    if (!address) return address.error();
    *into = *address;
  }
  return options;
}

int dev(const DevArguments& arguments) {
  auto options = options_of(arguments);
  if (!options) return fail(options.error(), arguments.json);
  std::optional<app::StopDeadline> ending;  // outlives all that is to end
  auto database = app::LocalDatabase::open(options->config, app::LocalDatabase::Use::own, say);
  if (!database) return fail(database.error(), arguments.json);
  auto running = app::Dev::start(std::move(*options), *database);
  if (!running) return fail(running.error(), arguments.json);
  if (arguments.json) print(to_json((*running)->access(), database->url()));
  else print_for_people((*running)->access(), database->folder());
  const auto stood_by = database->stand_by();
  ending.emplace();
  log::info("stopping");
  if (!(*running)->stop()) log::warn("some requests were cut off");
  return stood_by ? kDone : fail(stood_by.error());
}

}  // namespace

void add_dev(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand("dev",
                                         "Everything, nothing configured: a database, a simulated "
                                         "Stripe with a demo platform, the service");
  auto arguments = std::make_shared<DevArguments>();
  command->add_option("--listen", arguments->listen,
                      "the service's host:port (default 127.0.0.1:8080; 0: any free)");
  command->add_option("--sim-listen", arguments->sim_listen,
                      "the simulator's host:port (default 127.0.0.1:12111; 0: any free)");
  command->add_option("--data-dir", arguments->data_dir,
                      "where the database lives (default .payoutd)");
  command->add_option("--seed", arguments->seed, "of the demo's history")->capture_default_str();
  command->add_flag("--no-activity", arguments->no_activity,
                    "the simulator does only what it is asked");
  command->add_flag("--json", arguments->json, "when ready, print one JSON object on one line");
  command->callback([&action, arguments] { action = [arguments] { return dev(*arguments); }; });
}

}  // namespace payoutd::cli
