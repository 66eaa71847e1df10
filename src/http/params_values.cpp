// The fields that are more than one value: amounts, objects, lists, pages.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "http/params.h"
#include "http/params_state.h"

namespace payoutd::http {
namespace {

constexpr std::int64_t kMaxOffset = 1'000'000'000;
// Stands in for one that was wrong itself, so that the amount's form is checked all the same.
constexpr Currency kAnyCurrency{{'u', 's', 'd'}};

}  // namespace

std::optional<Money> Fields::money(std::optional<Currency> currency, AmountRule rule) {
  const std::string decimal_name = rule.name + "_decimal";
  const Json* whole = find({rule.name});
  const std::string* decimal = find_text({decimal_name});
  const Currency unit = currency.value_or(kAnyCurrency);
  if (whole == nullptr && decimal == nullptr) {
    const bool typo =
        state_->fields.contains(decimal_name) && !state_->fields[decimal_name].is_null();
    if (rule.required && !typo && !state_->unreadable) {
      wrong(rule.name, "parameter_missing",
            fmt::format("{} (in minor units) or {} must be given", rule.name, decimal_name));
    }
    return std::nullopt;
  }
  std::optional<Money> money;
  if (whole != nullptr) {
    // What is beyond int64 is read as a float, which is compared and never counted with.
    const bool beyond =
        whole->is_number_float() && std::abs(whole->get<double>()) > static_cast<double>(kMaxMinor);
    if (!whole->is_number_integer() && !beyond) {
      wrong(rule.name, "amount_invalid",
            whole->is_string()
                ? "must be a number, not a string: whole minor units, 1050 for 10.50 usd"
                : fmt::format("must be a whole number of minor units, without a fraction: 1050 for "
                              "10.50 usd; not {}",
                              whole->is_number() ? dump(*whole) : whole->type_name()));
      return std::nullopt;
    }
    const std::int64_t minor =
        !beyond && fits_int64(*whole) ? whole->get<std::int64_t>() : INT64_MAX;
    if (minor > kMaxMinor || minor < -kMaxMinor) {
      wrong(rule.name, "amount_too_large",
            fmt::format("must be at most {} minor units; {} was given", kMaxMinor, dump(*whole)),
            Kind::unprocessable);
      return std::nullopt;
    }
    money = Money{minor, unit};
  }
  if (decimal != nullptr) {
    const auto parsed = parse_decimal(*decimal, unit);
    if (!parsed) {
      const bool needs_currency = !currency && parsed.error().code == "amount_precision";
      if (!needs_currency) {
        const bool form = parsed.error().code == "amount_invalid";
        wrong(decimal_name, parsed.error().code, parsed.error().message,
              form ? Kind::invalid : parsed.error().kind);
      }
      return std::nullopt;
    }
    if (money && currency && money->minor != parsed->minor) {
      wrong(decimal_name, "parameter_ambiguous",
            fmt::format("{} and {} say different amounts; give one", rule.name, decimal_name));
      return std::nullopt;
    }
    money = *parsed;
  }
  if (!currency) return std::nullopt;
  if (money->minor < rule.min) {
    const bool counted = whole != nullptr;  // or written out
    wrong(counted ? rule.name : decimal_name, "amount_invalid",
          counted ? fmt::format("must be at least {} in minor units; {} was given", rule.min,
                                money->minor)
                  : fmt::format("must be at least {}; {} was given",
                                to_decimal({rule.min, money->currency}), to_decimal(*money)));
    return std::nullopt;
  }
  return money;
}

std::optional<Json> Fields::object(Names names, std::size_t max_bytes) {
  const Json* found = find(names);
  if (found == nullptr) return std::nullopt;
  if (!found->is_object() || has_nul(*found)) {
    wrong(shown(names), "parameter_type", "must be an object, without NUL in its strings");
    return std::nullopt;
  }
  if (dump(*found).size() > max_bytes) {
    wrong(shown(names), "parameter_too_long",
          fmt::format("must not have more than {} bytes as JSON", max_bytes));
    return std::nullopt;
  }
  return *found;
}

Fields Fields::inside(const std::string& name, Json object) {
  auto inner = std::make_shared<State>();
  inner->fields = std::move(object);
  inner->typed = state_->typed;
  inner->prefix = state_->prefix + name + ".";
  inner->mistakes = state_->mistakes;
  state_->inner.push_back(inner);
  return Fields(std::move(inner));
}

std::optional<Fields> Fields::nested(Names names) {
  const Json* found = find(names);
  if (found == nullptr) return std::nullopt;
  if (found->is_object()) return inside(shown(names), *found);
  wrong(shown(names), "parameter_type", "must be an object");
  return std::nullopt;
}

std::vector<Fields> Fields::list(Names names, std::size_t max_items) {
  const Json* found = find(names);
  if (found == nullptr) return {};
  const bool objects = found->is_array() &&
                       std::ranges::all_of(*found, [](const Json& one) { return one.is_object(); });
  if (!objects || found->size() > max_items) {
    wrong(shown(names), "parameter_type",
          fmt::format("must be an array of at most {} objects", max_items));
    return {};
  }
  std::vector<Fields> items;
  for (std::size_t i = 0; i < found->size(); ++i) {
    items.push_back(inside(fmt::format("{}[{}]", shown(names), i), (*found)[i]));
  }
  return items;
}

Page Fields::page() {
  Page page;
  page.limit = integer({"limit"}, 1, 100).value_or(20);
  page.cursor = text({"cursor", "starting_after"}, {.max = 512});
  const auto offset = integer({"offset"}, 0, kMaxOffset);
  const auto number = integer({"page"}, 1, kMaxOffset / 100);
  page.with_total = !words({"include"}, {"total"}).empty();
  if (int{page.cursor.has_value()} + int{offset.has_value()} + int{number.has_value()} > 1) {
    wrong(number ? "page" : "offset", "parameter_ambiguous", "give one of cursor, offset and page");
  }
  page.offset = offset ? *offset : (number.value_or(1) - 1) * page.limit;
  return page;
}

}  // namespace payoutd::http
