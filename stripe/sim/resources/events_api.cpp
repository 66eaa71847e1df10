// GET /v1/events: the last thirty days.
#include <algorithm>
#include <array>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxTypes = 20;

// "payout.*" is every type that begins so.
bool fits(const std::string& wanted, const std::string& type) {
  if (const auto star = wanted.find('*'); star != std::string::npos)
    return type.starts_with(std::string_view(wanted).substr(0, star));
  return wanted == type;
}

Try<std::vector<std::string>> wanted_types(const Ask& ask) {
  std::vector<std::string> types;
  if (const auto type = ask.params.str("type"); !type.empty()) types.push_back(type);
  const Json* list = ask.params.find("types");
  if (!list) return types;
  if (!types.empty())
    return refuse("", "You may only specify one of these parameters: type, types.", "types");
  if (list->size() > kMaxTypes) return refuse("", "At most 20 types can be given.", "types");
  for (const auto& type : *list) {
    if (!type.is_string()) return refuse("", "Invalid string", "types");
    types.push_back(type.get<std::string>());
  }
  return types;
}

Try<Shown> get_event(const Ask& ask) {
  const Event* event = ask.world.store.event(ask.ids.at(0));
  const std::string mine = ask.account.connected() ? ask.account.id : "";
  if (!event || event->created < ask.now - kEventHorizon || event->account != mine)
    return no_such("event", ask.ids.at(0));
  return event;
}

Try<Shown> list_events(const Ask& ask) {
  auto request = read_list(ask);
  if (!request) return Refused(request.error());
  auto types = wanted_types(ask);
  if (!types) return Refused(types.error());
  request->created.low = std::max(request->created.low, ask.now - kEventHorizon);
  request->created.high =
      std::min(request->created.high, ask.now - ask.world.options.visibility_lag_s);
  const auto& id = request->after.empty() ? request->before : request->after;
  const Event* cursor = id.empty() ? nullptr : ask.world.store.event(id);
  const auto delivered = ask.params.str("delivery_success");
  const auto keep = [&](const Event& event) {
    const bool type = types->empty() || std::ranges::any_of(*types, [&](const auto& t) {
                        return fits(t, event.type);
                      });
    return type && (delivered.empty() || (delivered == "true") == (event.pending_webhooks == 0));
  };
  auto page = Pager(ask.account.event_list, *request, keep).page(cursor);
  if (!page) return Refused(page.error());
  return Shown(std::move(*page));
}

}  // namespace

std::vector<Endpoint> event_endpoints() {
  return {
      {"GET", "/v1/events", "list created:range type types:list delivery_success:bool",
       list_events},
      {"GET", "/v1/events/:id", "", get_event},
  };
}

}  // namespace payoutd::sim
