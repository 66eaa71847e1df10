// JSON documents by simdjson: a parser is reused, and a buffer that already has the padding is not
// copied. Elements are valid until the next parse.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace payoutd::stripe {

inline constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;

// Nothing where the text is no JSON.
inline std::optional<simdjson::dom::element> parse(simdjson::dom::parser& parser,
                                                   const std::string& text) {
  const bool padded = text.capacity() >= text.size() + kPadding;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size(), !padded).get(root) != simdjson::SUCCESS)
    return std::nullopt;
  return root;
}

// A string member; empty where it is missing, null or something else.
inline std::string_view text_at(simdjson::dom::object object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  return text;
}

}  // namespace payoutd::stripe
