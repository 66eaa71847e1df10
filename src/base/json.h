// JSON in and out. Json (sorted keys, logarithmic look-up) reads what others send; OrderedJson
// keeps the order of an answer's fields for the people who read it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

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

// How many characters (code points) a UTF-8 text has, as people and Stripe count its length.
std::size_t characters(std::string_view text);

// Puts U+FFFD in the place of each NUL, in keys and texts, which PostgreSQL can't keep.
void replace_nul(Json& json);

// Never throws: what is not UTF-8 is replaced.
std::string dump(const Json& json);
std::string dump(const OrderedJson& json);

}  // namespace payoutd
