#include "stripe/sim/wire/params.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxMetadataKeys = 50, kMaxMetadataKey = 40, kMaxMetadataValue = 500;
constexpr std::string_view kPaging = "limit:int starting_after ending_before ";

std::string bracketed(std::string_view dotted) {  // "a.b.c" is a[b][c]
  std::string out;
  std::size_t parts = 0;
  for (std::size_t at = 0; at <= dotted.size();) {
    const auto end = std::min(dotted.find('.', at), dotted.size());
    const auto part = dotted.substr(at, end - at);
    out += parts++ == 0 ? std::string(part) : fmt::format("[{}]", part);
    at = end + 1;
  }
  return out;
}

Refused unknown(const std::string& name) {
  return refuse("parameter_unknown", fmt::format("Received unknown parameter: {}", name), name);
}

Try<void> check_known(const ParamRules& rules, const Json& node, const std::string& prefix) {
  for (const auto& [key, value] : node.items()) {
    const std::string dotted = prefix.empty() ? key : prefix + "." + key;
    if (dotted == "expand") continue;
    if (std::ranges::any_of(rules, [&](const auto& rule) { return rule.name == dotted; })) continue;
    const auto inside = [&](const auto& rule) { return rule.name.starts_with(dotted + "."); };
    if (std::ranges::none_of(rules, inside)) return unknown(bracketed(dotted));
    if (value.is_object()) {
      if (auto ok = check_known(rules, value, dotted); !ok) return ok;
    } else if (value != "") {
      return refuse("", fmt::format("Invalid {}: must be an object", bracketed(dotted)),
                    bracketed(dotted));
    }
  }
  return {};
}

Try<void> check_map(const std::string& name, const Json& value) {
  if (value == "") return {};
  if (!value.is_object()) return refuse("", "Invalid " + name + ": must be an object", name);
  if (value.size() > kMaxMetadataKeys)
    return refuse("", "Metadata can have at most 50 keys.", name);
  for (const auto& [key, text] : value.items()) {
    const std::string param = fmt::format("{}[{}]", name, key);
    if (characters(key) > kMaxMetadataKey)
      return refuse("",
                    "Metadata keys can have up to 40 characters, and yours has " +
                        std::to_string(characters(key)) + ".",
                    param);
    if (!text.is_string())
      return refuse("", fmt::format("Metadata values must be strings: '{}'", key), param);
    if (characters(text.get_ref<const std::string&>()) > kMaxMetadataValue)
      return refuse(
          "",
          "Metadata values can have up to 500 characters, but you passed in a value that is " +
              std::to_string(characters(text.get_ref<const std::string&>())) +
              " characters. Invalid value: " + key,
          param);
  }
  return {};
}

Try<void> check_integer(const std::string& name, const Json& value) {
  if (value.is_string() && to_integer(value.get_ref<const std::string&>())) return {};
  return refuse("parameter_invalid_integer",
                "Invalid integer: " + (value.is_string() ? value.get<std::string>() : dump(value)),
                name);
}

Try<void> check_range(const std::string& name, const Json& value) {
  if (!value.is_object()) return check_integer(name, value);
  for (const auto& [key, bound] : value.items()) {
    if (key != "gt" && key != "gte" && key != "lt" && key != "lte")
      return unknown(fmt::format("{}[{}]", name, key));
    if (auto ok = check_integer(fmt::format("{}[{}]", name, key), bound); !ok) return ok;
  }
  return {};
}

Try<void> check_word(const ParamRule& rule, const std::string& name, const std::string& text) {
  for (std::size_t at = 0; at <= rule.type.size();) {
    const auto end = std::min(rule.type.find('|', at), rule.type.size());
    if (std::string_view(rule.type).substr(at, end - at) == text) return {};
    at = end + 1;
  }
  std::string words = rule.type;
  std::ranges::replace(words, '|', ',');
  return refuse("", fmt::format("Invalid {}: must be one of {}", name, words), name);
}

Try<void> check_text(const ParamRule& rule, const std::string& name, const Json& value) {
  if (!value.is_string()) return refuse("", fmt::format("Invalid string: {}", dump(value)), name);
  const auto& text = value.get_ref<const std::string&>();
  if (rule.type.empty()) return {};
  if (rule.type == "bool") {
    if (text == "true" || text == "false") return {};
    return refuse("", "Invalid boolean: " + text, name);
  }
  if (rule.type == "currency") {
    if (Currency::parse(text)) return {};
    return refuse("", "Invalid currency: " + text + ". Stripe does not support it.", name);
  }
  if (rule.type == "dec") {
    if (!text.empty() && text.find_first_not_of("0123456789.") == std::string::npos) return {};
    return refuse("parameter_invalid_integer", "Invalid decimal: " + text, name);
  }
  return check_word(rule, name, text);
}

Try<void> check_one(const ParamRule& rule, const Json& value) {
  const std::string name = bracketed(rule.name);
  if (rule.type == "any") return {};
  if (value == "") {
    if (!rule.required && rule.type != "int" && rule.type != "range") return {};
    return refuse(
        "parameter_invalid_empty",
        fmt::format("You passed an empty string for '{0}'. We assume empty values are an attempt "
                    "to unset a parameter; however '{0}' cannot be unset. You should remove "
                    "'{0}' from your request or supply a non-empty value.",
                    name),
        name);
  }
  if (rule.type == "hash" || rule.type == "list") {
    if (value.is_object() || value.is_array()) return {};
    return refuse(
        "",
        fmt::format("Invalid {}: must be {}", name, rule.type == "hash" ? "an object" : "an array"),
        name);
  }
  if (rule.type == "map") return check_map(name, value);
  if (rule.type == "range") return check_range(name, value);
  if (rule.type == "int") return check_integer(name, value);
  return check_text(rule, name, value);
}

}  // namespace

ParamRules parse_rules(std::string_view spec) {
  std::string all(spec);
  if (const auto at = all.find("list "); at == 0 || all == "list")
    all = std::string(kPaging) + all.substr(std::min(all.size(), std::size_t{5}));
  ParamRules rules;
  for (std::size_t at = 0; at < all.size();) {
    const auto end = std::min(all.find(' ', at), all.size());
    std::string word = all.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    ParamRule rule;
    rule.required = word.back() == '!';
    if (rule.required) word.pop_back();
    const auto colon = word.find(':');
    rule.name = word.substr(0, colon);
    if (colon != std::string::npos) rule.type = word.substr(colon + 1);
    rules.push_back(std::move(rule));
  }
  return rules;
}

Try<void> check_params(const ParamRules& rules, const Json& params) {
  if (auto ok = check_known(rules, params, ""); !ok) return ok;
  const Params given(params);
  for (const auto& rule : rules) {
    const Json* value = given.find(rule.name);
    if (!value && rule.required)
      return refuse("parameter_missing",
                    fmt::format("Missing required param: {}.", bracketed(rule.name)),
                    bracketed(rule.name));
    if (!value) continue;
    if (auto ok = check_one(rule, *value); !ok) return ok;
  }
  return {};
}

const Json* Params::find(std::string_view dotted) const {
  const Json* node = &json_;
  for (std::size_t at = 0; at <= dotted.size();) {
    const auto end = std::min(dotted.find('.', at), dotted.size());
    if (!node->is_object()) return nullptr;
    const auto it = node->find(dotted.substr(at, end - at));
    if (it == node->end()) return nullptr;
    node = &*it;
    at = end + 1;
  }
  return node;
}

std::string Params::str(std::string_view dotted, std::string_view fallback) const {
  const Json* value = find(dotted);
  return value && value->is_string() ? value->get<std::string>() : std::string(fallback);
}

std::optional<std::int64_t> Params::num(std::string_view dotted) const {
  const Json* value = find(dotted);
  if (!value || !value->is_string()) return std::nullopt;
  return to_integer(value->get_ref<const std::string&>());
}

bool Params::flag(std::string_view dotted, bool fallback) const {
  const Json* value = find(dotted);
  return value && value->is_string() && *value != "" ? *value == "true" : fallback;
}

std::optional<Currency> Params::currency(std::string_view dotted) const {
  return Currency::parse(str(dotted));
}

Range Params::range(std::string_view dotted) const {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const std::string name(dotted);
  if (const auto exact = num(name)) return {*exact, *exact};
  Range out{kMin, kMax};
  if (const auto gte = num(name + ".gte")) out.low = std::max(out.low, *gte);
  if (const auto gt = num(name + ".gt")) out.low = std::max(out.low, *gt == kMax ? kMax : *gt + 1);
  if (const auto lte = num(name + ".lte")) out.high = std::min(out.high, *lte);
  if (const auto lt = num(name + ".lt"))
    out.high = std::min(out.high, *lt == kMin ? kMin : *lt - 1);
  return out;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

void merge_metadata(OrderedJson& object, const Params& params) {
  if (!object.contains("metadata") || !object["metadata"].is_object())
    object["metadata"] = OrderedJson::object();
  const Json* given = params.find("metadata");
  if (!given) return;
  if (!given->is_object()) {
    object["metadata"] = OrderedJson::object();
    return;
  }
  for (const auto& [key, value] : given->items()) {
    if (value == "") object["metadata"].erase(key);
    else object["metadata"][key] = value.get<std::string>();
  }
}

OrderedJson or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

}  // namespace payoutd::sim
