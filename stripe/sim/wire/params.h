// What an endpoint takes, said in one line per route, and typed reading of it once it was checked.
//   "amount:int! currency:currency! description method:standard|instant metadata:map
//    transfer_data.destination"
// Types: text (none given), int, bool, dec, currency, range (a number or gt, gte, lt, lte), map
// (metadata), hash, list and any (read by the endpoint), or the words allowed. `!` is required.
// `list` alone stands for the paging parameters. `expand` is always taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/currency.h"
#include "base/json.h"
#include "stripe/sim/wire/call.h"

namespace payoutd::sim {

struct ParamRule {
  std::string name{};  // dotted
  std::string type{};
  bool required = false;
};
using ParamRules = std::vector<ParamRule>;

ParamRules parse_rules(std::string_view spec);

// Errors as Stripe gives them: parameter_unknown, parameter_missing, parameter_invalid_integer, …
Try<void> check_params(const ParamRules& rules, const Json& params);

// Inclusive bounds.
struct Range {
  std::int64_t low, high;
  bool has(std::int64_t value) const { return low <= value && value <= high; }
};

class Params {
 public:
  explicit Params(const Json& json) : json_(json) {}
  const Json* find(std::string_view dotted) const;
  bool has(std::string_view dotted) const { return find(dotted) != nullptr; }
  std::string str(std::string_view dotted, std::string_view fallback = "") const;
  std::optional<std::int64_t> num(std::string_view dotted) const;
  bool flag(std::string_view dotted, bool fallback = false) const;
  std::optional<Currency> currency(std::string_view dotted) const;
  Range range(std::string_view dotted) const;  // everything where it was not given

 private:
  const Json& json_;
};

// Whole decimal digits with an optional minus, within int64.
std::optional<std::int64_t> to_integer(std::string_view text);

// Metadata as Stripe merges it: `k=` deletes one key, `metadata=` all.
void merge_metadata(OrderedJson& object, const Params& params);

// `text` or null: "" unsets.
OrderedJson or_null(const std::string& text);

}  // namespace payoutd::sim
