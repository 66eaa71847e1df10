#include "sync/list_page.h"

#include <simdjson.h>

namespace payoutd::sync {

namespace {

namespace od = simdjson::ondemand;

Error malformed(const char* why) {
  return {Kind::upstream, "stripe_list_malformed", std::string("Stripe's list ") + why};
}

od::parser& parser() {
  thread_local od::parser kept;
  return kept;
}

simdjson::padded_string_view padded(std::string_view part) {
  return simdjson::padded_string_view(part.data(), part.size(),
                                      part.size() + simdjson::SIMDJSON_PADDING);
}

struct Head {
  std::string id;
  std::int64_t created = 0;
};

Result<Head> read_head(std::string_view item) {
  od::document document;
  Head head;
  std::string_view id;
  if (parser().iterate(padded(item)).get(document) != simdjson::SUCCESS ||
      document["id"].get_string().get(id) != simdjson::SUCCESS || id.empty()) {
    return malformed("has an item without id");
  }
  head.id = id;
  std::int64_t created = 0;
  if (document["created"].get_int64().get(created) == simdjson::SUCCESS) head.created = created;
  return head;
}

bool cut_items(od::value value, std::vector<std::string_view>& items) {
  od::array data;
  if (value.get_array().get(data) != simdjson::SUCCESS) return false;
  for (auto element : data) {
    od::object object;
    std::string_view raw;
    if (element.get_object().get(object) != simdjson::SUCCESS ||
        object.raw_json().get(raw) != simdjson::SUCCESS) {
      return false;
    }
    items.push_back(raw);
  }
  return true;
}

}  // namespace

Result<ListPage> cut_page(std::string& body) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  od::document document;
  od::object list;
  if (parser().iterate(simdjson::padded_string_view(body.data(), body.size(), body.capacity()))
              .get(document) != simdjson::SUCCESS ||
      document.get_object().get(list) != simdjson::SUCCESS) {
    return malformed("is no JSON object");
  }
  ListPage page;
  page.items.reserve(100);
  bool has_data = false;
  bool has_has_more = false;
  for (auto field : list) {
    std::string_view key;
    od::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return malformed("cannot be read");
    const bool is_data = key == "data";
    const bool is_has_more = key == "has_more";
    if (field.value().get(value) != simdjson::SUCCESS) return malformed("cannot be read");
    if (is_data && !has_data) {
      has_data = cut_items(value, page.items);
      if (!has_data) return malformed("cannot be cut into items");
    } else if (is_has_more) {
      has_has_more = value.get_bool().get(page.has_more) == simdjson::SUCCESS;
    }
  }
  if (!has_data || !has_has_more) return malformed("has no data and has_more");
  if (page.items.empty()) {
    if (page.has_more) return malformed("has more and shows none of it");
    return page;
  }
  const auto first = read_head(page.items.front());
  if (!first) return first.error();
  auto last = read_head(page.items.back());
  if (!last) return last.error();
  page.first_created = first->created;
  page.last_created = last->created;
  page.last_id = std::move(last->id);
  return page;
}

Result<ListedEvent> read_event(std::string_view item) {
  ListedEvent event;
  od::document document;
  std::string_view id, type;
  std::int64_t created = 0;
  od::object object;
  if (parser().iterate(padded(item)).get(document) != simdjson::SUCCESS ||
      document["id"].get_string().get(id) != simdjson::SUCCESS) {
    return malformed("has an event without id");
  }
  event.id = id;
  if (document["type"].get_string().get(type) != simdjson::SUCCESS)
    return malformed("has an event without type");
  event.type = type;
  std::string_view api_version;
  if (document["api_version"].get_string().get(api_version) == simdjson::SUCCESS)
    event.api_version = api_version;
  if (document["created"].get_int64().get(created) != simdjson::SUCCESS) {
    return malformed("has an event without created");
  }
  event.created = from_unix(created);
  if (document["data"]["object"].get_object().get(object) != simdjson::SUCCESS ||
      object.raw_json().get(event.object) != simdjson::SUCCESS) {
    return malformed("has an event without object");
  }
  std::string_view object_type;
  if (parser().iterate(padded(event.object)).get(document) == simdjson::SUCCESS &&
      document["object"].get_string().get(object_type) == simdjson::SUCCESS) {
    event.object_type = object_type;
  }
  return event;
}

}  // namespace payoutd::sync
