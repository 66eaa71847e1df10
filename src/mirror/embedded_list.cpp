#include "mirror/embedded_list.h"

#include <fmt/format.h>

#include <optional>

#include "base/json.h"
#include "stripe/pages.h"

namespace payoutd::mirror {

namespace {

struct Embedded {
  const char* field;
  stripe::Listing listing;  // of all its elements
};

std::optional<Embedded> list_of(std::string_view type, const std::string& id) {
  if (type == "subscription") {
    return Embedded{
        "items",
        {.path = "/v1/subscription_items", .query = stripe::Form{}.add("subscription", id)}};
  }
  if (type == "application_fee") {
    return Embedded{"refunds", {.path = stripe::v1_path({"application_fees", id, "refunds"})}};
  }
  return std::nullopt;
}

bool is_cut(const Json& object, const char* field) {
  const auto list = object.find(field);
  return list != object.end() && list->is_object() && list->value("has_more", Json()) == true;
}

}  // namespace

Result<std::string> with_whole_list(stripe::Client& client, std::string_view stripe_header,
                                    std::string_view type, std::string body) {
  if (!list_of(type, "")) return body;
  auto object = parse_json(body);
  const Json* id =
      object && object->is_object() && object->contains("id") ? &(*object)["id"] : nullptr;
  if (id == nullptr || !id->is_string()) return body;  // refused where it is applied
  auto embedded = *list_of(type, id->get<std::string>());
  if (!is_cut(*object, embedded.field)) return body;
  embedded.listing.account = stripe_header;
  embedded.listing.priority = stripe::Priority::normal;
  Json data = Json::array();
  stripe::Pages pages = client.list(std::move(embedded.listing));
  for (const stripe::Page& page : pages) {
    for (const stripe::Item& item : page.items) {
      auto element = parse_json(item.raw);
      if (!element) return Error{Kind::upstream, "stripe_list_malformed", element.error().message};
      data.push_back(*std::move(element));
    }
    if (data.size() > kMostEmbedded) {
      return Error{Kind::refused, "list_too_long",
                   fmt::format("{} holds more than {} elements", embedded.field, kMostEmbedded)};
    }
  }
  if (const auto finished = pages.finished(); !finished) return finished.error();
  Json& list = (*object)[embedded.field];
  list["data"] = std::move(data);
  list["has_more"] = false;
  return dump(*object);
}

}  // namespace payoutd::mirror
