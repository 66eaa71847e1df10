#include "app/signals.h"
#include "cli/command.h"
#include "stripe/sim/sim.h"

namespace payoutd::cli {
namespace {

struct SimArguments {
  std::string listen = "127.0.0.1:12111";
  std::string demo = "full";
  std::uint64_t seed = 1;
  int activity_ms = 0;
  int visibility_lag_s = 0;
  bool limits = false;
  bool json = false;
};

sim::Demo demo_of(const std::string& word) {
  return word == "none" ? sim::Demo::none : word == "small" ? sim::Demo::small : sim::Demo::full;
}

int simulate(const SimArguments& arguments) {
  const auto address = app::parse_address(arguments.listen);
  if (!address) return fail(address.error(), arguments.json);
  MovableClock clock;
  sim::Options options;
  options.seed = arguments.seed;
  options.demo = demo_of(arguments.demo);
  options.host = address->host;
  options.port = address->port;
  options.activity_every_ms = arguments.activity_ms;
  options.visibility_lag_s = arguments.visibility_lag_s;
  if (arguments.limits) options.limits = sim::RateLimiter::Limits{};
  sim::Sim sim(clock, options);
  if (auto started = sim.start(); !started) return fail(started.error(), arguments.json);
  if (arguments.json) {
    print(OrderedJson{{"url", sim.url()},
                      {"stripe_secret_key", sim.api_key().reveal()},
                      {"platform", sim.platform()},
                      {"accounts", sim.connected()},
                      {"second_tenant", sim.second_tenant()}});
  } else {
    fmt::print("A simulated Stripe listens on {}\n\n  curl -s -u {}: {}/v1/balance\n\n", sim.url(),
               sim.api_key().reveal(), sim.url());
    std::fflush(stdout);
  }
  while (app::wait_for_stop(std::chrono::hours(1)) == 0) {
  }
  sim.stop();
  return kDone;
}

}  // namespace

void add_sim(CLI::App& program, Action& action) {
  auto* command =
      program.add_subcommand("stripe-sim", "The simulated Stripe alone, for any Stripe SDK");
  auto arguments = std::make_shared<SimArguments>();
  command->add_option("--listen", arguments->listen, "host:port (port 0: any free one)")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "of ids and history")->capture_default_str();
  command
      ->add_option("--demo", arguments->demo,
                   "history: none, small (three weeks) or full (six months)")
      ->check(CLI::IsMember({"none", "small", "full"}))
      ->capture_default_str();
  command
      ->add_option("--activity-ms", arguments->activity_ms,
                   "something happens this often; 0: never")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  command
      ->add_option("--visibility-lag", arguments->visibility_lag_s,
                   "seconds until lists show what was made")
      ->check(CLI::Range(0, 3'600));
  command->add_flag("--rate-limits", arguments->limits, "Stripe's rate limits (off by default)");
  command->add_flag("--json", arguments->json, "when ready, print one JSON object on one line");
  command->callback(
      [&action, arguments] { action = [arguments] { return simulate(*arguments); }; });
}

}  // namespace payoutd::cli
