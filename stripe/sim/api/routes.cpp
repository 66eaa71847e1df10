#include "stripe/sim/api/routes.h"

#include <algorithm>

namespace payoutd::sim {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}

bool fits(const Route& route, const std::vector<std::string_view>& parts) {
  return route.segments.size() == parts.size() &&
         std::ranges::equal(route.segments, parts, [](const auto& mine, const auto& given) {
           return mine == given || (mine.starts_with(':') && !given.empty());
         });
}

std::size_t fixed_segments(const Route& route) {
  return static_cast<std::size_t>(
      std::ranges::count_if(route.segments, [](const auto& s) { return !s.starts_with(':'); }));
}

}  // namespace

Routes::Routes() {
  for (const auto offer :
       {account_endpoints, external_account_endpoints, balance_endpoints, charge_endpoints,
        payment_intent_endpoints, payment_method_endpoints, refund_endpoints, dispute_endpoints,
        customer_endpoints, product_endpoints, subscription_endpoints, invoice_endpoints,
        payout_endpoints, transfer_endpoints, application_fee_endpoints, topup_endpoints,
        webhook_endpoint_endpoints, event_endpoints}) {
    for (const auto& endpoint : offer()) {
      Route route{.endpoint = endpoint, .rules = parse_rules(endpoint.params)};
      for (const auto part : split(endpoint.path)) route.segments.emplace_back(part);
      route.list = endpoint.params.starts_with("list");
      routes_.push_back(std::move(route));
    }
  }
  std::ranges::stable_sort(routes_, std::greater{}, fixed_segments);
}

std::optional<Match> Routes::match(std::string_view method, std::string_view path) const {
  const auto parts = split(path);
  for (const auto& route : routes_) {
    if (route.endpoint.method != method || !fits(route, parts)) continue;
    Match match{.route = &route};
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (route.segments[i].starts_with(':')) match.ids.push_back(parts[i]);
    return match;
  }
  return std::nullopt;
}

}  // namespace payoutd::sim
