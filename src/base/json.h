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

// Never throws: what is not UTF-8 is replaced.
std::string dump(const Json& json);
std::string dump(const OrderedJson& json);

}  // namespace payoutd
