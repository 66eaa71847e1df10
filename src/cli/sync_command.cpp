#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "app/signals.h"
#include "app/stop_deadline.h"
#include "app/stripe_client.h"
#include "app/wiring.h"
#include "cli/command.h"
#include "sync/sync.h"
#include "sync/sync_api.h"

namespace payoutd::cli {
namespace {

struct SyncArguments {
  std::string account;
  bool repair = false;
  bool json = false;
};

std::string line_of(const sync::Progress& progress) {
  const double rate =
      progress.seconds > 0 ? static_cast<double>(progress.counts.rows) / progress.seconds : 0;
  std::string line =
      fmt::format("{} of {} accounts  {} rows  {:.0f} rows/s  {} requests", progress.accounts_done,
                  progress.accounts, progress.counts.rows, rate, progress.counts.requests);
  if (progress.limited > 0) line += fmt::format("  {} limited", progress.limited);
  if (progress.rows_left && rate > 0) {
    line += fmt::format("  about {} rows left ({:.0f} s)", *progress.rows_left,
                        static_cast<double>(*progress.rows_left) / rate);
  } else if (progress.lists_under_way > 0) {
    line += fmt::format("  {} lists under way", progress.lists_under_way);
  }
  return line;
}

// One line that is written over, on a terminal only.
void show_progress(const sync::Progress& progress) {
  fmt::print(stderr, "\r\x1b[K{}", line_of(progress));
  std::fflush(stderr);
}

void say_run(const sync::RunRecord& run) {
  say(fmt::format("{}: {} accounts, {} rows, {} of them not known before, {} changed; {} requests",
                  run.status, run.accounts, run.counts.rows, run.counts.created, run.counts.changed,
                  run.counts.requests));
  for (const sync::StreamRecord& stream : run.streams) {
    if (!stream.error.empty())
      say(fmt::format("  {} {}: {}", stream.account, stream.stream, stream.error));
  }
}

// The first stop signal ends a run where it stands and cuts what it asks of Stripe; a second one,
// or twenty seconds, end the process.
class StopOnSignal {
 public:
  explicit StopOnSignal(stripe::Client& client)
      : thread_([this, &client](const std::stop_token& ended) {
          while (!ended.stop_requested()) {
            if (app::wait_for_stop(std::chrono::milliseconds(50)) == 0) continue;
            ending_.emplace(app::kStopsWithin, kFailed);
            asked_ = true;
            client.stop();
            return;
          }
        }) {}
  bool asked() const { return asked_; }

 private:
  std::atomic<bool> asked_ = false;
  std::optional<app::StopDeadline> ending_;
  std::jthread thread_;  // the last to come: it uses the others
};

sync::Options options_of(const SyncArguments& arguments, const StopOnSignal& stop) {
  sync::Options options;
  options.asked_by = "cli";
  options.wait_for_others = sync::kLease + std::chrono::seconds(5);
  options.repair = arguments.repair;
  if (!arguments.account.empty()) options.account = arguments.account;
  options.stop = [&stop] { return stop.asked(); };
  if (!arguments.json && ::isatty(STDERR_FILENO) == 1) options.progress = show_progress;
  return options;
}

int report(const Result<std::vector<sync::RunRecord>>& runs, const SyncArguments& arguments,
           bool drawn) {
  if (drawn) fmt::print(stderr, "\r\x1b[K");
  if (!runs) return fail(runs.error(), arguments.json);
  bool good = true;
  for (const sync::RunRecord& run : *runs) {
    if (arguments.json) print(sync::to_json(run));
    else say_run(run);
    good = good && run.status == "succeeded";
  }
  return good ? kDone : kFailed;
}

// Runs `body(syncer, db)` for whoever has a Stripe key.
int with_syncer(bool json,
                const std::function<int(sync::Syncer&, pg::Database&, const StopOnSignal&)>& body) {
  return with_database(json, [&](pg::Database& db, const app::Config& config) {
    const SystemClock clock;
    auto client = app::open_stripe(config, db, clock);
    if (!client) return fail(client.error(), json);
    if (*client == nullptr) {
      return fail({Kind::invalid, "stripe_not_configured", "STRIPE_SECRET_KEY is not set"}, json);
    }
    const mirror::Appliers appliers = app::all_appliers();
    sync::Syncer syncer(db, **client, appliers, clock, app::sync_settings(config));
    const StopOnSignal stop(**client);
    return body(syncer, db, stop);
  });
}

// Whether a run's proof found a difference. A balance that never stood still long enough is none.
Result<bool> differs(pg::Database& db, const std::vector<sync::RunRecord>& runs) {
  for (const sync::RunRecord& run : runs) {
    const auto found = sync::completeness(db, run.organization, run.account);
    if (!found) return found.error();
    if (!found->payouts.empty()) return true;
    for (const sync::BalanceCheck& check : found->balances) {
      if (check.state == sync::CheckState::different) return true;
    }
  }
  return false;
}

int sync_now(const SyncArguments& arguments) {
  return with_syncer(
      arguments.json, [&](sync::Syncer& syncer, pg::Database& db, const StopOnSignal& stop) {
        const sync::Options options = options_of(arguments, stop);
        const auto runs = syncer.run(options);
        const int code = report(runs, arguments, static_cast<bool>(options.progress));
        if (!runs || code != kDone) return code;
        const auto found = differs(db, *runs);
        if (!found) return fail(found.error(), arguments.json);
        if (*found) {
          say("the mirror differs from Stripe: `payoutd verify` says where, `payoutd sync "
              "--repair` mends it");
        }
        return *found ? kFound : kDone;
      });
}

void say_check(const sync::BalanceCheck& check) {
  std::string line = fmt::format("{}  {}  {:<9}  Stripe {:>14}  mirror {:>14}  {} rows",
                                 check.account, check.currency().str(), name_of(check.state),
                                 check.expected().minor, check.found.minor, check.rows);
  if (check.first_day) {
    line += fmt::format("  since {}: {} missing, {} altered, {} surplus",
                        pg::detail::day_text(*check.first_day), check.missing.size(),
                        check.altered.size(), check.surplus.size());
  }
  std::puts(line.c_str());
}

// Of every organization that the run looked at.
int show_completeness(pg::Database& db, const std::vector<sync::RunRecord>& runs, bool json) {
  bool complete = true;
  for (const sync::RunRecord& run : runs) {
    const auto found = sync::completeness(db, run.organization, run.account);
    if (!found) return fail(found.error(), json);
    OrderedJson answer = to_json(*found);
    complete = complete && answer["complete"].get<bool>();
    answer["organization_id"] = run.organization.str();
    if (json) {
      print(answer);
      continue;
    }
    for (const sync::BalanceCheck& check : found->balances) say_check(check);
    for (const sync::PayoutCheck& payout : found->payouts) {
      std::puts(fmt::format("{}  {}  its transactions sum to {}, not to {} {}", payout.account,
                            payout.payout, payout.found.minor, payout.amount.minor,
                            payout.amount.currency.str())
                    .c_str());
    }
  }
  return complete ? kDone : kFound;
}

int verify(const SyncArguments& arguments) {
  return with_syncer(arguments.json,
                     [&](sync::Syncer& syncer, pg::Database& db, const StopOnSignal& stop) {
                       sync::Options options = options_of(arguments, stop);
                       options.verify_only = true;
                       const auto runs = syncer.run(options);
                       if (options.progress) fmt::print(stderr, "\r\x1b[K");
                       if (!runs) return fail(runs.error(), arguments.json);
                       return show_completeness(db, *runs, arguments.json);
                     });
}

}  // namespace

void add_sync(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand("sync",
                                         "Read what Stripe has into the mirror: all accounts, all "
                                         "lists; goes on where the last run was");
  auto arguments = std::make_shared<SyncArguments>();
  command->add_option("--account", arguments->account, "only this one, acct_…")
      ->check(account_id());
  command->add_flag("--repair", arguments->repair, "read every list whole and mend what differs");
  command->add_flag("--json", arguments->json, "print each organization's run as JSON");
  command->callback(
      [&action, arguments] { action = [arguments] { return sync_now(*arguments); }; });
}

void add_verify(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand(
      "verify",
      "Compare the mirror with Stripe's balances, and row by row where they differ (exit code 3)");
  auto arguments = std::make_shared<SyncArguments>();
  command->add_option("--account", arguments->account, "only this one, acct_…")
      ->check(account_id());
  command->add_flag("--json", arguments->json, "print each organization's checks as JSON");
  command->callback([&action, arguments] { action = [arguments] { return verify(*arguments); }; });
}

}  // namespace payoutd::cli
