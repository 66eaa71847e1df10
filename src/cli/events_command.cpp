#include "app/stripe_client.h"
#include "app/wiring.h"
#include "cli/command.h"
#include "mirror/mirror_jobs.h"
#include "webhooks/event_log.h"

namespace payoutd::cli {
namespace {

using webhooks::kEventStates;

struct EventOptions {
  webhooks::EventFilter filter;
  std::string type, account, state;
  std::string id;
  bool json = false;
};

OrderedJson to_json(const webhooks::LoggedEvent& event) {
  OrderedJson json{{"id", event.id},
                   {"type", event.type},
                   {"account", event.account},
                   {"organization_id", event.organization.str()},
                   {"created", to_iso(event.created)},
                   {"received", to_iso(event.received)},
                   {"livemode", event.livemode},
                   {"state", event.state}};
  if (!event.error.empty()) json["error"] = event.error;
  return json;
}

std::string line_of(const webhooks::LoggedEvent& event) {
  std::string line = fmt::format("{}  {:<15} {:<44} {} {}", to_iso(event.created), event.state,
                                 event.type, event.id, event.account);
  if (!event.error.empty()) line += "  " + event.error;
  return line;
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

int list(pg::Database& db, const app::Config&, EventOptions& options) {
  options.filter.type = given(options.type);
  options.filter.account = given(options.account);
  options.filter.state = given(options.state);
  const auto events = webhooks::list_events(db, options.filter);
  if (!events) return fail(events.error(), options.json);
  OrderedJson all = OrderedJson::array();
  for (const auto& event : *events) {
    if (options.json) all.push_back(to_json(event));
    else std::puts(line_of(event).c_str());
  }
  if (options.json) print(OrderedJson{{"data", all}});
  else if (events->empty()) say("no such events");
  return kDone;
}

int show(pg::Database& db, const app::Config&, EventOptions& options) {
  const auto events = webhooks::find_events(db, options.id);
  if (!events) return fail(events.error(), options.json);
  for (const auto& event : *events) {
    if (options.json) {
      OrderedJson json = to_json(event);
      json["body"] = event.body;
      print(json);
    } else {
      say(line_of(event));
      std::puts(event.body.c_str());
    }
  }
  return kDone;
}

std::string outcome_of(const webhooks::LoggedEvent& replayed) {
  if (replayed.state == "applied")
    return fmt::format("applied {} ({})", replayed.id, replayed.type);
  return fmt::format(
      "{} ({}) is {}: its object can't be read as it stands, and a running service fetches it from "
      "Stripe; `payoutd events show {}` tells how that ended",
      replayed.id, replayed.type, replayed.state, replayed.id);
}

int replay(pg::Database& db, const app::Config& config, EventOptions& options) {
  const auto appliers = app::all_appliers();
  const auto event = webhooks::replay_event(db, appliers, app::livemode_of(config), options.id);
  if (!event) return fail(event.error(), options.json);
  if (options.json) print(to_json(*event));
  else say(outcome_of(*event));
  return kDone;
}

}  // namespace

void add_events(CLI::App& program, Action& action) {
  auto* events =
      program.add_subcommand("events", "Stripe's events in the inbox: list, show, replay");
  events->require_subcommand(1);
  const auto options = std::make_shared<EventOptions>();
  auto* listing = events->add_subcommand("list", "The newest events and what became of them");
  listing->add_option("--type", options->type, "like payout.paid");
  listing->add_option("--account", options->account, "acct_…")->check(account_id());
  listing->add_option("--state", options->state, "what became of them")
      ->check(one_of({kEventStates.begin(), kEventStates.end()}));
  listing->add_option("--limit", options->filter.limit, "at most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bind(*listing, action, options, list);
  auto* showing = events->add_subcommand("show", "One event with its body as it was received");
  showing->add_option("id", options->id, "evt_…")->required();
  bind(*showing, action, options, show);
  auto* replaying = events->add_subcommand("replay", "Apply an event again, whatever became of it");
  replaying->add_option("id", options->id, "evt_…")->required();
  bind(*replaying, action, options, replay);
}

}  // namespace payoutd::cli
