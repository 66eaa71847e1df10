#include "webhooks/event.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "stripe/json_text.h"

namespace payoutd::webhooks {
namespace {

constexpr std::size_t kMaxWord = 255;
constexpr std::int64_t kLastSecond = 253402300799;  // the end of the year 9999

Error invalid(std::string_view field, std::string_view expected) {
  return Error{Kind::invalid, "event_invalid",
               fmt::format("the event's `{}` must be {}", field, expected), std::string(field)};
}

// Ids, types and versions of Stripe are of these characters; anything else could not be looked up.
bool is_word(std::string_view text) {
  if (text.empty() || text.size() > kMaxWord) return false;
  for (const char c : text) {
    const bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || c == '.' || c == '-' || c == ':';
    if (!fits) return false;
  }
  return true;
}

std::optional<std::string> word(const simdjson::dom::element& root, std::string_view pointer) {
  std::string_view text;
  if (root.at_pointer(pointer).get(text) != simdjson::SUCCESS || !is_word(text))
    return std::nullopt;
  return std::string(text);
}

Result<EventHead> head_of(const simdjson::dom::element& root) {
  const auto object = word(root, "/object");
  if (object == "v2.core.event") {
    return Error{Kind::invalid, "event_thin",
                 "thin events (v2.core.event) hold no object; give this endpoint snapshot events"};
  }
  if (object != "event") return invalid("object", "\"event\"");
  EventHead head;
  const auto id = word(root, "/id");
  if (!id) return invalid("id", "a string of at most 255 letters, digits and _.-:");
  const auto type = word(root, "/type");
  if (!type) return invalid("type", "a string like \"payout.paid\"");
  std::int64_t created = 0;
  if (root["created"].get(created) != simdjson::SUCCESS || created < 0 || created > kLastSecond) {
    return invalid("created", "unix seconds");
  }
  if (root["livemode"].get(head.livemode) != simdjson::SUCCESS) {
    return invalid("livemode", "true or false");
  }
  simdjson::dom::object snapshot;
  if (root.at_pointer("/data/object").get(snapshot) != simdjson::SUCCESS) {
    return invalid("data.object", "an object");
  }
  simdjson::dom::element account;
  if (root["account"].get(account) == simdjson::SUCCESS && !account.is_null()) {
    const auto given = word(root, "/account");
    if (!given) return invalid("account", "an account id like \"acct_…\"");
    head.account = *given;
  }
  head.id = *id;
  head.type = *type;
  head.created = from_unix(created);
  head.api_version = word(root, "/api_version");
  head.object_id = word(root, "/data/object/id");
  return head;
}

}  // namespace

Result<EventHead> read_head(std::string_view body) {
  // Each thread has a parser, which keeps its buffers.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto failed = stripe::parse_text(parser, body, root, stripe::BadBytes::refused);
  if (failed != simdjson::SUCCESS) {
    return Error{Kind::invalid, "event_not_json",
                 fmt::format("the body is not JSON: {}", simdjson::error_message(failed))};
  }
  return head_of(root);
}

}  // namespace payoutd::webhooks
