// Webhook endpoints as an API object; webhook_sender.h delivers to them.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxEndpoints = 1'000;  // tests register many

OrderedJson texts(const Json& list) {
  OrderedJson out = OrderedJson::array();
  for (const auto& text : list)
    if (text.is_string()) out.push_back(text.get<std::string>());
  return out;
}

Try<void> check_url(const Ask& ask) {
  const auto url = ask.params.str("url");
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return refuse("url_invalid",
                  "Invalid URL: An explicit scheme (such as https) must be provided.", "url");
  if (ask.world.livemode && !url.starts_with("https://"))
    return refuse("url_invalid", "Invalid URL: URL must be HTTPS in live mode.", "url");
  return {};
}

Try<Shown> create_webhook_endpoint(const Ask& ask) {
  if (auto ok = check_url(ask); !ok) return Refused(ok.error());
  World& world = ask.world;
  if (series_of(ask, "webhook_endpoint").size() >= kMaxEndpoints)
    return refuse(
        "", fmt::format("You have reached the maximum of {} webhook endpoints.", kMaxEndpoints));
  const Params& p = ask.params;
  OrderedJson json{{"id", world.id("we", ask.account)},
                   {"object", "webhook_endpoint"},
                   {"api_version", or_null(p.str("api_version"))},
                   {"application", nullptr},
                   {"created", world.now},
                   {"description", or_null(p.str("description"))},
                   {"enabled_events", texts(*p.find("enabled_events"))},
                   {"livemode", world.livemode},
                   {"metadata", OrderedJson::object()},
                   {"status", "enabled"},
                   {"url", p.str("url")}};
  merge_metadata(json, p);
  Document& endpoint = world.store.add(ask.account, std::move(json));
  endpoint.hidden["connect"] = p.flag("connect");
  endpoint.hidden["secret"] = world.ids.secret("whsec_");
  if (world.endpoint_changed) world.endpoint_changed(endpoint);
  OrderedJson shown = endpoint.json;
  shown["secret"] = endpoint.hidden["secret"];  // this once
  return shown;
}

Try<Shown> get_webhook_endpoint(const Ask& ask) {
  auto endpoint = named(ask, "webhook_endpoint");
  if (!endpoint) return Refused(endpoint.error());
  return *endpoint;
}

Try<Shown> update_webhook_endpoint(const Ask& ask) {
  auto endpoint = named(ask, "webhook_endpoint");
  if (!endpoint) return Refused(endpoint.error());
  const Params& p = ask.params;
  if (p.has("url"))
    if (auto ok = check_url(ask); !ok) return Refused(ok.error());
  Edit edit(ask.world, **endpoint);
  merge_metadata(edit.json(), p);
  if (p.has("url")) edit["url"] = p.str("url");
  if (p.has("description")) edit["description"] = or_null(p.str("description"));
  if (const Json* events = p.find("enabled_events")) edit["enabled_events"] = texts(*events);
  if (p.has("disabled")) edit["status"] = p.flag("disabled") ? "disabled" : "enabled";
  edit.save();
  if (ask.world.endpoint_changed) ask.world.endpoint_changed(**endpoint);
  return *endpoint;
}

Try<Shown> remove_webhook_endpoint(const Ask& ask) {
  auto endpoint = named(ask, "webhook_endpoint");
  if (!endpoint) return Refused(endpoint.error());
  ask.world.store.remove(**endpoint);
  if (ask.world.endpoint_changed) ask.world.endpoint_changed(**endpoint);
  return OrderedJson{{"id", (*endpoint)->id}, {"object", "webhook_endpoint"}, {"deleted", true}};
}

Try<Shown> list_webhook_endpoints(const Ask& ask) {
  return list_kind(ask, "webhook_endpoint", [](const Document&) { return true; });
}

}  // namespace

std::vector<Endpoint> webhook_endpoint_endpoints() {
  return {
      {"POST", "/v1/webhook_endpoints",
       "url! enabled_events:list! api_version connect:bool description metadata:map",
       create_webhook_endpoint},
      {"GET", "/v1/webhook_endpoints", "list", list_webhook_endpoints},
      {"GET", "/v1/webhook_endpoints/:id", "", get_webhook_endpoint},
      {"POST", "/v1/webhook_endpoints/:id",
       "url enabled_events:list description disabled:bool metadata:map", update_webhook_endpoint},
      {"DELETE", "/v1/webhook_endpoints/:id", "", remove_webhook_endpoint},
  };
}

}  // namespace payoutd::sim
