#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
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

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The code unit of an escape \uXXXX at `at`; nothing where there is none.
std::optional<unsigned> code_unit(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\\u" || text.size() < at + 6) return std::nullopt;
  unsigned unit = 0;
  const auto [end, error] = std::from_chars(&text[at + 2], &text[at + 2] + 4, unit, 16);
  if (error != std::errc{} || end != &text[at + 2] + 4) return std::nullopt;
  return unit;
}

bool is_high(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// How long the UTF-8 sequence at `at` is; 0 where it is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

template <class J>
std::string dump_lenient(const J& json) {
  return json.dump(-1, ' ', false, J::error_handler_t::replace);
}

}  // namespace

std::string without_nul(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) {
    if (c == '\0') clean += kReplacement;
    else clean += c;
  }
  return clean;
}

std::size_t characters(std::string_view text) {
  const auto begins_one = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_one));
}

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

std::string mended_json(std::string_view text) {
  std::string mended;
  mended.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      const auto unit = code_unit(text, at);
      const auto second = unit && is_high(*unit) ? code_unit(text, at + 6) : std::nullopt;
      const bool pair = second && is_low(*second);
      const std::size_t length = pair ? 12 : unit ? 6 : 2;
      const bool half = unit && !pair && (is_high(*unit) || is_low(*unit));
      mended += half ? std::string_view("\\ufffd") : text.substr(at, length);
      at += length;
      continue;
    }
    const std::size_t length = sequence_at(text, at);
    mended += length > 0 ? text.substr(at, length) : kReplacement;
    at += std::max<std::size_t>(length, 1);
  }
  return mended;
}

void replace_nul(Json& json) {
  if (json.is_string()) {
    auto& text = json.get_ref<std::string&>();
    if (text.contains('\0')) text = without_nul(text);
    return;
  }
  if (json.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) {
      if (key.contains('\0')) keys.push_back(key);
    }
    for (const std::string& key : keys) {
      json[without_nul(key)] = std::move(json[key]);
      json.erase(key);
    }
  }
  if (json.is_structured()) {
    for (Json& value : json) replace_nul(value);
  }
}

OrderedJson or_null(const std::optional<Time>& time) {
  return time ? OrderedJson(to_iso(*time)) : OrderedJson(nullptr);
}

OrderedJson or_null(const std::optional<Uuid>& id) {
  return id ? OrderedJson(id->str()) : OrderedJson(nullptr);
}

std::string dump(const Json& json) { return dump_lenient(json); }
std::string dump(const OrderedJson& json) { return dump_lenient(json); }

}  // namespace payoutd
