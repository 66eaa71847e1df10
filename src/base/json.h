// JSON in and out. Json (sorted keys, logarithmic look-up) reads what others send; OrderedJson
// keeps the order of an answer's fields for the people who read it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace payoutd {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

inline constexpr std::size_t kMaxJsonDepth = 64;

// Refuses what is not strict JSON, deeper than kMaxJsonDepth, or repeats a key in one object.
// Error: 400 `invalid_json`, with the byte where it went wrong.
Result<Json> parse_json(std::string_view text);

// The text with U+FFFD in the place of what other parsers refuse in good JSON of others: half of a
// surrogate pair (\ud800 alone), bytes that are not UTF-8.
std::string mended_json(std::string_view text);

// The text with U+FFFD in the place of each NUL, which PostgreSQL's text can't hold.
std::string without_nul(std::string_view text);

// How many characters (code points) a UTF-8 text has, as people and Stripe count its length.
std::size_t characters(std::string_view text);

// Puts U+FFFD in the place of each NUL, in keys and texts, which PostgreSQL can't keep.
void replace_nul(Json& json);

// The value as answers show it, null where there is none.
template <class T>
OrderedJson or_null(const std::optional<T>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}
OrderedJson or_null(const std::optional<Time>& time);  // ISO 8601
OrderedJson or_null(const std::optional<Uuid>& id);

// Never throws: what is not UTF-8 is replaced.
std::string dump(const Json& json);
std::string dump(const OrderedJson& json);

}  // namespace payoutd
