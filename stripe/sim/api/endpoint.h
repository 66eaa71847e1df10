// What an endpoint is: a row in its resource's table, and a function from a checked request to what
// is shown. Each resource file offers its rows; dispatch adds them all.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stripe/sim/wire/params.h"
#include "stripe/sim/world/world.h"

namespace payoutd::sim {

struct Ask {
  World& world;
  Account& account;  // whom the call acts as
  const Params& params;
  std::vector<std::string_view> ids;  // of the path's `:id` segments, in order
  std::int64_t now;
  std::string_view path;

  std::string id(std::size_t at = 0) const { return std::string(ids.at(at)); }
};

// A list's page, newest first.
struct Page {
  std::vector<const Record*> data{};
  bool has_more = false;
  std::string url{};
};

using Shown = std::variant<const Record*, Page, OrderedJson>;

struct Endpoint {
  std::string_view method;
  std::string_view path;    // "/v1/payouts/:id/cancel"
  std::string_view params;  // see params.h
  Try<Shown> (*run)(const Ask&);
};

std::vector<Endpoint> account_endpoints();
std::vector<Endpoint> external_account_endpoints();
std::vector<Endpoint> balance_endpoints();
std::vector<Endpoint> charge_endpoints();
std::vector<Endpoint> payment_intent_endpoints();
std::vector<Endpoint> payment_method_endpoints();
std::vector<Endpoint> refund_endpoints();
std::vector<Endpoint> dispute_endpoints();
std::vector<Endpoint> customer_endpoints();
std::vector<Endpoint> product_endpoints();
std::vector<Endpoint> subscription_endpoints();
std::vector<Endpoint> invoice_endpoints();
std::vector<Endpoint> payout_endpoints();
std::vector<Endpoint> transfer_endpoints();
std::vector<Endpoint> application_fee_endpoints();
std::vector<Endpoint> topup_endpoints();
std::vector<Endpoint> webhook_endpoint_endpoints();
std::vector<Endpoint> event_endpoints();

// The object of `kind` that the path's first id names, of this account; else 404.
Try<Document*> named(const Ask& ask, std::string_view kind);
// The object that a parameter names; nothing given is nullptr, an unknown id 400.
Try<Document*> referenced(const Ask& ask, std::string_view kind, std::string_view param);

}  // namespace payoutd::sim
