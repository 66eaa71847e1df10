// What Stripe's v1 API takes: application/x-www-form-urlencoded text with brackets for nesting,
// read into a tree whose leaves are strings. What a value means is the endpoint's business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace payoutd::sim {

inline constexpr std::size_t kMaxFormBytes = 1024 * 1024;
inline constexpr std::size_t kMaxFormFields = 4'000;
inline constexpr std::size_t kMaxFormDepth = 12;

// Always an object at the top, {} for "". `a[b][c]=1` nests; `a[]=x` and `a[0]=x` are arrays, the
// latter in the order of their indices (gaps close); what stands under `metadata` is always an
// object, since its keys are the caller's. `a=` is "", which unsets. A plain field given twice
// takes the later value. `+` and %20 are spaces; brackets may be percent-encoded. Errors (400),
// with `param`: `parameter_invalid_encoding` (bad percent sign, not UTF-8, open bracket, no name),
// `parameter_invalid_structure` (one name used as a value, a list and an object),
// `parameter_too_many` (size, fields or depth).
Result<Json> parse_form(std::string_view text);

// The same for a query that is decoded already.
Result<Json> form_tree(const std::vector<std::pair<std::string, std::string>>& decoded);

}  // namespace payoutd::sim
