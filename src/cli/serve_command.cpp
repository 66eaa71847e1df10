#include "app/service.h"
#include "app/stop_deadline.h"
#include "base/log.h"
#include "cli/command.h"

namespace payoutd::cli {
namespace {

int serve(const std::string& listen) {
  auto config = load_config();
  if (!config) return fail(config.error());
  if (!listen.empty()) {
    auto address = app::parse_address(listen);
    if (!address) return fail(address.error());
    config->listen = *address;
  }
  std::optional<app::StopDeadline> ending;  // outlives all that is to end
  auto database = app::LocalDatabase::open(*config, app::LocalDatabase::Use::own, say);
  if (!database) return fail(database.error());
  const SystemClock clock;
  auto service = app::Service::start({*config, database->url(), &clock});
  if (!service) return fail(service.error());
  log::info("listening", {{"url", (*service)->url()}});
  if (!config->stripe_key) log::warn("STRIPE_SECRET_KEY is not set: nothing is asked of Stripe");
  if (config->webhook_secrets.empty()) {
    log::warn("STRIPE_WEBHOOK_SECRETS is not set: webhooks are answered 503");
  }
  const auto stood_by = database->stand_by();
  ending.emplace();
  log::info("stopping");
  if (!(*service)->stop()) log::warn("some requests were cut off");
  return stood_by ? kDone : fail(stood_by.error());
}

}  // namespace

void add_serve(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand("serve", "Run the service until SIGTERM");
  auto listen = std::make_shared<std::string>();
  command->add_option("--listen", *listen,
                      "host:port, instead of PAYOUTD_LISTEN (port 0: any free one)");
  command->callback([&action, listen] { action = [listen] { return serve(*listen); }; });
}

}  // namespace payoutd::cli
