#include "base/json.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace payoutd {
namespace {

// Sees every key as it is parsed: a repeated one would silently win over the first.
class RepeatedKey {
 public:
  void see(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event != Json::parse_event_t::key) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second && found_.empty()) found_ = key;
  }
  const std::string& found() const { return found_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string found_;
};

// Counts brackets outside strings: nlohmann's own objects are destroyed by recursion, so depth is
// bounded before it builds them.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Error invalid(std::string message) {
  return Error{Kind::invalid, "invalid_json", "the body " + std::move(message)};
}

template <class J>
std::string dump_lenient(const J& json) {
  return json.dump(-1, ' ', false, J::error_handler_t::replace);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (too_deep(text)) return invalid(fmt::format("is nested deeper than {} levels", kMaxJsonDepth));
  RepeatedKey repeated;
  try {
    Json json = Json::parse(text, [&repeated](int, Json::parse_event_t event, Json& parsed) {
      repeated.see(event, parsed);
      return true;
    });
    if (!repeated.found().empty()) {
      return invalid(fmt::format("has the key \"{}\" twice", repeated.found().substr(0, 64)));
    }
    return json;
  } catch (const Json::exception& e) {
    const auto* at = dynamic_cast<const Json::parse_error*>(&e);
    return invalid(at != nullptr ? fmt::format("is not JSON: look at byte {}", at->byte)
                                 : "holds a number out of range");
  }
}

std::string dump(const Json& json) { return dump_lenient(json); }
std::string dump(const OrderedJson& json) { return dump_lenient(json); }

}  // namespace payoutd
