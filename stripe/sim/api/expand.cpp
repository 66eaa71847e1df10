#include "stripe/sim/api/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxLevels = 4;

// Fields that hold ids. No Stripe object uses one of these names for anything else.
constexpr std::array<std::string_view, 34> kReferences = {"account",
                                                          "application_fee",
                                                          "balance_transaction",
                                                          "charge",
                                                          "customer",
                                                          "default_payment_method",
                                                          "default_price",
                                                          "default_source",
                                                          "destination",
                                                          "destination_payment",
                                                          "destination_payment_refund",
                                                          "failure_balance_transaction",
                                                          "fee",
                                                          "invoice",
                                                          "latest_charge",
                                                          "latest_invoice",
                                                          "on_behalf_of",
                                                          "original_payout",
                                                          "originating_transaction",
                                                          "payment_intent",
                                                          "payment_method",
                                                          "price",
                                                          "product",
                                                          "refund",
                                                          "reversed_by",
                                                          "source",
                                                          "source_refund",
                                                          "source_transaction",
                                                          "source_transfer",
                                                          "source_transfer_reversal",
                                                          "subscription",
                                                          "test_clock",
                                                          "transfer",
                                                          "transfer_reversal"};

// Objects and lists on the way to an id, and fields that exist only when asked for.
constexpr std::array<std::string_view, 12> kContainers = {
    "data",    "fee_source", "instant_available", "invoice_settings",
    "items",   "lines",      "net_available",     "last_payment_error",
    "refunds", "reversals",  "transfer_data",     "external_accounts"};

bool reference(const std::string& field) {
  return std::ranges::find(kReferences, field) != kReferences.end();
}
bool known(const std::string& field) {
  return reference(field) || std::ranges::find(kContainers, field) != kContainers.end();
}

using Path = std::span<const std::string>;

Refused cannot_expand(const std::string& field) {
  return refuse("", fmt::format("This property cannot be expanded ({}).", field), "expand");
}

OrderedJson embedded_list(const Series<Document>& children, const std::string& url) {
  OrderedJson list{
      {"object", "list"}, {"data", OrderedJson::array()}, {"has_more", false}, {"url", url}};
  constexpr std::size_t kEmbedded = 10;
  for (auto it = children.rbegin(); it != children.rend(); ++it) {
    if (list["data"].size() == kEmbedded) {
      list["has_more"] = true;
      break;
    }
    list["data"].push_back((*it)->json);
  }
  return list;
}

// Fields that exist only when asked for.
Try<bool> include(const Ask& ask, OrderedJson& node, const std::string& field) {
  const auto kind = node.value("object", std::string());
  if (kind == "charge" && field == "refunds") {
    const auto id = node["id"].get<std::string>();
    node[field] = embedded_list(ask.world.store.under(id), "/v1/charges/" + id + "/refunds");
    return true;
  }
  if (kind == "" && field == "net_available" && node.contains("source_types")) {
    if (!ask.account.connected())
      return refuse("",
                    "instant_available.net_available can only be expanded for connected accounts.",
                    "expand");
    const auto amount = node["amount"].get<std::int64_t>();
    const auto fee = amount * ask.world.options.pricing.instant_bps / 10'000;
    node[field] = OrderedJson::array({OrderedJson{{"amount", amount - fee},
                                                  {"destination", nullptr},
                                                  {"source_types", {{"card", amount - fee}}}}});
    return true;
  }
  return false;
}

OrderedJson look_up(const Ask& ask, const std::string& id) {
  if (const Row* row = ask.world.store.row(id)) return row->object();
  if (const Document* document = ask.world.store.find(id)) return document->json;
  return nullptr;
}

Try<void> expand_at(const Ask& ask, OrderedJson& node, Path path) {
  if (path.empty() || node.is_null()) return {};
  if (node.is_array()) {
    for (auto& item : node)
      if (auto ok = expand_at(ask, item, path); !ok) return ok;
    return {};
  }
  const std::string& field = path.front();
  if (!node.is_object()) return cannot_expand(field);
  if (!node.contains(field)) {
    auto included = include(ask, node, field);
    if (!included) return Refused(included.error());
    if (!*included) return cannot_expand(field);
  }
  OrderedJson& value = node[field];
  if (value.is_string()) {
    if (!reference(field)) return cannot_expand(field);
    auto found = look_up(ask, value.get<std::string>());
    if (found.is_null()) return path.size() == 1 ? Try<void>{} : cannot_expand(path[1]);
    value = std::move(found);
  } else if (!value.is_structured() && !(value.is_null() && reference(field))) {
    return cannot_expand(field);
  }
  return expand_at(ask, value, path.subspan(1));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('.', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

Try<Expansions> read_expansions(const Params& params) {
  Expansions out;
  const Json* given = params.find("expand");
  if (!given || *given == "") return out;
  if (!given->is_array()) return refuse("", "Invalid array", "expand");
  for (const auto& path : *given) {
    if (!path.is_string()) return refuse("", "Invalid string", "expand");
    out.push_back(split(path.get<std::string>()));
    if (out.back().size() > kMaxLevels)
      return refuse("", "You cannot expand more than 4 levels of a property", "expand");
    for (const auto& field : out.back())
      if (!known(field)) return cannot_expand(field);
  }
  return out;
}

Try<void> expand(const Ask& ask, OrderedJson& object, const Expansions& paths) {
  for (const auto& path : paths)
    if (auto ok = expand_at(ask, object, path); !ok) return ok;
  return {};
}

}  // namespace payoutd::sim
