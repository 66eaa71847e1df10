#include "cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "cli/command.h"

namespace payoutd::cli {
namespace {

constexpr const char* kFooter =
    "Settings are environment variables, also from .env; README.md lists them.\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings, 3 a check found "
    "something.";

int parse_and_run(int argc, char** argv) {
  CLI::App program("payoutd: what a platform on Stripe holds, owes and has paid out", "payoutd");
  program.require_subcommand(1);
  program.footer(kFooter);
  program.set_version_flag("--version", "payoutd " PAYOUTD_VERSION);
  Action action;
  add_dev(program, action);
  add_serve(program, action);
  add_sim(program, action);
  add_migrate(program, action);
  add_sync(program, action);
  add_verify(program, action);
  add_report(program, action);
  add_keys(program, action);
  add_accounts(program, action);
  add_events(program, action);
  add_dlq(program, action);
  add_review(program, action);
  add_doctor(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::RequiredError& e) {
    // CLI11 asks for a command and leaves out which word it took for none.
    const auto unknown = program.remaining(true);
    if (unknown.empty()) return program.exit(e), kWrongUsage;
    say(fmt::format("no command is called \"{}\"\nRun with --help for more information.",
                    unknown.front()));
    return kWrongUsage;
  } catch (const CLI::ParseError& e) {
    return program.exit(e) == 0 ? kDone : kWrongUsage;
  }
  return action();
}

}  // namespace

int run(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const bool json = std::ranges::any_of(
      words, [](const char* word) { return word == std::string_view("--json"); });
  const auto broke_off = [json](const char* code, std::string message) {
    return fail({Kind::retry, code, std::move(message)}, json);
  };
  try {
    return parse_and_run(argc, argv);
  } catch (const pg::Lost& e) {
    return broke_off("database_lost", fmt::format("the database can't be reached: {}", e.what()));
  } catch (const pg::Busy& e) {
    return broke_off(
        "database_busy",
        fmt::format("the database can't do this now, nothing was changed: {}", e.what()));
  } catch (const std::exception& e) {
    return broke_off("internal_error", e.what());
  }
}

}  // namespace payoutd::cli
