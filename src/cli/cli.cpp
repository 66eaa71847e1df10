#include "cli/cli.h"

#include <cstdio>

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
  } catch (const CLI::ParseError& e) {
    return program.exit(e) == 0 ? kDone : kWrongUsage;
  }
  return action();
}

}  // namespace

int run(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const pg::Lost& e) {
    say(std::string("payoutd: the database can't be reached: ") + e.what());
  } catch (const pg::Busy& e) {
    say(std::string("payoutd: the database can't do this now, nothing was changed: ") + e.what());
  } catch (const std::exception& e) {
    say(std::string("payoutd: ") + e.what());
  }
  return kFailed;
}

}  // namespace payoutd::cli
