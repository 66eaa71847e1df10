#include "stripe/sim/control.h"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace payoutd::sim {
namespace {

using http::Context;
using http::Reply;

constexpr std::int64_t kMaxAdvanceSeconds = 10LL * 366 * 24 * 3600;
constexpr std::int64_t kMaxActivity = 10'000;

using Target = std::shared_ptr<const ControlTarget>;

Error wrong(std::string param, std::string message) {
  return Error{Kind::invalid, "invalid", std::move(message), std::move(param)};
}

Reply refused(const Context& context, const Error& error) {
  return http::error_reply(error, context.request.request_id);
}

Reply clock_reply(Time now) {
  return Reply::json(200, OrderedJson{{"now", to_unix(now)}, {"iso", to_iso(now)}});
}

Result<std::int64_t> whole_number(const Json& body, const std::string& field, std::int64_t most) {
  const auto found = body.find(field);
  const bool fits = found != body.end() && found->is_number_unsigned() &&
                    found->get<std::uint64_t>() <= static_cast<std::uint64_t>(most);
  if (!fits) return wrong(field, fmt::format("{} must be an integer from 0 to {}", field, most));
  return found->get<std::int64_t>();
}

Result<Json> object_body(const Context& context) {
  auto body = parse_json(context.request.body);
  if (body && !body->is_object()) return wrong("", "the body must be a JSON object");
  return body;
}

Reply move_clock(const ControlTarget& target, const Context& context) {
  const auto body = object_body(context);
  if (!body) return refused(context, body.error());
  for (const auto& [name, value] : body->items()) {
    if (name != "advance") return refused(context, wrong(name, "only \"advance\" is taken"));
  }
  const auto seconds = whole_number(*body, "advance", kMaxAdvanceSeconds);
  if (!seconds) return refused(context, seconds.error());
  const auto now = target.advance(std::chrono::seconds{*seconds});
  if (!now) return refused(context, now.error());
  return clock_reply(*now);
}

Reply add_faults(const ControlTarget& target, const Context& context) {
  const auto body = parse_json(context.request.body);
  if (!body) return refused(context, body.error());
  const auto added = target.faults->add(*body);
  if (!added) return refused(context, added.error());
  return Reply::json(200, OrderedJson{{"added", *added}, {"data", target.faults->list()}});
}

Reply list_faults(const ControlTarget& target, const Context&) {
  return Reply::json(200, OrderedJson{{"data", target.faults->list()}});
}

Reply clear_faults(const ControlTarget& target, const Context& context) {
  target.faults->clear();
  return list_faults(target, context);
}

Reply add_activity(const ControlTarget& target, const Context& context) {
  const auto body = object_body(context);
  if (!body) return refused(context, body.error());
  const auto account = body->find("account");
  if (account == body->end() || !account->is_string()) {
    return refused(context, wrong("account", "account must be the id of an account: \"acct_…\""));
  }
  Json counts = *body;
  counts.erase("account");
  for (const auto& [kind, count] : counts.items()) {
    const auto checked = whole_number(counts, kind, kMaxActivity);
    if (!checked) return refused(context, checked.error());
  }
  const auto made = target.activity(account->get<std::string>(), counts);
  if (!made) return refused(context, made.error());
  return Reply::json(200, *made);
}

}  // namespace

std::vector<http::Route> control_routes(ControlTarget control) {
  const auto target = std::make_shared<const ControlTarget>(std::move(control));
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, std::string path, std::string summary, auto handler) {
    http::Route route;
    route.method = std::move(method);
    route.pattern = "/_sim/" + path;
    route.handler = [target, handler](Context& context) { return handler(*target, context); };
    route.docs.summary = std::move(summary);
    route.docs.tag = "simulator";
    routes.push_back(std::move(route));
  };
  add("GET", "clock", "The simulated time",
      [](const ControlTarget& t, const Context&) { return clock_reply(t.now()); });
  add("POST", "clock", "Moves the simulated time and does what came due", move_clock);
  add("POST", "faults", "Adds faults", add_faults);
  add("GET", "faults", "The faults that are not used up", list_faults);
  add("DELETE", "faults", "Clears all faults", clear_faults);
  add("GET", "payments", "Every transfer and payout that moved money",
      [](const ControlTarget& t, const Context&) {
        return Reply::json(200, OrderedJson{{"data", t.payments()}});
      });
  add("POST", "activity", "Makes charges, refunds and the like happen", add_activity);
  add("GET", "stats", "Requests so far and the most at once",
      [](const ControlTarget& t, const Context&) { return Reply::json(200, t.stats()); });
  return routes;
}

}  // namespace payoutd::sim
