#include "http/params.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "http/params_state.h"

namespace payoutd::http {
namespace {

constexpr std::size_t kMaxUnknown = 10;
constexpr std::size_t kShownBytes = 64;

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"{}", text.substr(0, kShownBytes), text.size() > kShownBytes ? "…" : "");
}

std::string listed(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool has_nul(const Json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      if (name.find('\0') != std::string::npos || has_nul(value)) return true;
    }
  }
  if (json.is_array()) return std::ranges::any_of(json, has_nul);
  return false;
}

bool fits_int64(const Json& number) {
  return !number.is_number_unsigned() ||
         number.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
}

void Fields::State::note_unknown(std::vector<Mistake>& into) const {
  std::size_t noted = 0;
  for (const auto& [name, unused] : fields.items()) {
    if (known_names.contains(name) || ++noted > kMaxUnknown) continue;
    into.push_back(
        {Kind::invalid,
         {prefix + name.substr(0, kShownBytes), "parameter_unknown",
          fmt::format("{} is not known here; there are: {}", in_quotes(name),
                      known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")))}});
  }
  for (const auto& one : inner) one->note_unknown(into);
}

Fields Fields::of_query(const Request& request) {
  auto state = std::make_shared<State>();
  state->typed = false;
  for (const auto& [name, value] : request.query) {
    Json& field = state->fields[name];
    if (field.is_null()) {
      field = value;
    } else if (field.is_string()) {
      field = Json::array({field, value});
    } else {
      field.push_back(value);
    }
  }
  return Fields(std::move(state));
}

Fields Fields::of_body(const Request& request) {
  auto state = std::make_shared<State>();
  if (request.body.empty()) return Fields(std::move(state));
  auto parsed = parse_json(request.body);
  if (!parsed) {
    state->unreadable = parsed.error();
  } else if (!parsed->is_object()) {
    state->unreadable = Error{Kind::invalid, "invalid_json", "the body must be a JSON object"};
  } else {
    state->fields = *std::move(parsed);
  }
  return Fields(std::move(state));
}

Fields Fields::of(Json object) {
  CHECK(object.is_object());
  auto state = std::make_shared<State>();
  state->fields = std::move(object);
  return Fields(std::move(state));
}

std::string Fields::shown(Names names) const {
  for (const std::string_view name : names) {
    if (state_->fields.contains(name)) return std::string(name);
  }
  return std::string(*names.begin());
}

void Fields::wrong(std::string_view name, std::string code, std::string message, Kind kind) {
  Mistake mistake{kind, {state_->prefix + std::string(name), std::move(code), std::move(message)}};
  const bool noted = std::ranges::any_of(*state_->mistakes, [&](const Mistake& other) {
    return other.error.param == mistake.error.param && other.error.code == mistake.error.code;
  });
  if (!noted) state_->mistakes->push_back(std::move(mistake));
}

// The field under whichever spelling it has. Two spellings that say different things are refused by
// the first getter that sees them.
const Json* Fields::find(Names names) const {
  const Json* found = nullptr;
  for (const std::string_view name : names) {
    state_->know(name);
    const auto at = state_->fields.find(name);
    if (at == state_->fields.end() || at->is_null()) continue;
    if (found != nullptr && *found != *at) {
      Fields(state_).wrong(
          name, "parameter_ambiguous",
          fmt::format("{} and {} are the same field; give one", *names.begin(), name));
      return nullptr;
    }
    found = &*at;
  }
  return found;
}

const std::string* Fields::find_text(Names names) const {
  const Json* found = find(names);
  if (found == nullptr) return nullptr;
  if (found->is_string() && found->get_ref<const std::string&>().find('\0') == std::string::npos) {
    return &found->get_ref<const std::string&>();
  }
  const bool repeated = !state_->typed && found->is_array();
  Fields(state_).wrong(shown(names), repeated ? "parameter_repeated" : "parameter_type",
                       repeated ? "must be given once" : "must be a string without NUL");
  return nullptr;
}

bool Fields::has(Names names) const { return find(names) != nullptr; }

bool Fields::is_written(std::string_view name) const { return state_->fields.contains(name); }

bool Fields::is_null(Names names) const {
  return std::ranges::any_of(names, [&](std::string_view name) {
    state_->know(name);
    const auto at = state_->fields.find(name);
    return at != state_->fields.end() && at->is_null();
  });
}

Fields& Fields::need(Names names) {
  const bool given = std::ranges::any_of(names, [&](std::string_view name) {
    state_->know(name);
    const auto at = state_->fields.find(name);
    return at != state_->fields.end() && !at->is_null();
  });
  if (!given && !state_->unreadable) {
    wrong(*names.begin(), "parameter_missing", fmt::format("{} must be given", *names.begin()));
  }
  return *this;
}

std::optional<std::string> Fields::text(Names names, TextRule rule) {
  const std::string* found = find_text(names);
  if (found == nullptr) return std::nullopt;
  if (characters(*found) > rule.max) {
    wrong(shown(names), "parameter_too_long",
          fmt::format("must not have more than {} characters", rule.max));
    return std::nullopt;
  }
  if (found->empty() && !rule.may_be_empty) {
    wrong(shown(names), "parameter_empty", "must not be empty");
    return std::nullopt;
  }
  return *found;
}

std::optional<std::int64_t> Fields::integer(Names names, std::int64_t min, std::int64_t max) {
  const Json* found = find(names);
  if (found == nullptr) return std::nullopt;
  std::optional<std::int64_t> value;
  if (state_->typed && found->is_number_integer() && fits_int64(*found)) {
    value = found->get<std::int64_t>();
  } else if (!state_->typed && found->is_string()) {
    value = whole_number(found->get_ref<const std::string&>());
  }
  if (!value || *value < min || *value > max) {
    wrong(shown(names), "parameter_invalid",
          fmt::format("must be a whole number from {} to {}", min, max));
    return std::nullopt;
  }
  return value;
}

std::optional<bool> Fields::flag(Names names) {
  const Json* found = find(names);
  if (found == nullptr) return std::nullopt;
  if (state_->typed && found->is_boolean()) return found->get<bool>();
  if (!state_->typed && (*found == "true" || *found == "1")) return true;
  if (!state_->typed && (*found == "false" || *found == "0")) return false;
  wrong(shown(names), "parameter_invalid", "must be true or false");
  return std::nullopt;
}

std::optional<std::string> Fields::word(Names names, Words allowed) {
  return word(names, std::vector<std::string_view>(allowed));
}

std::optional<std::string> Fields::word(Names names, const std::vector<std::string_view>& allowed) {
  const std::string* found = find_text(names);
  if (found == nullptr) return std::nullopt;
  for (const std::string_view word : allowed) {
    if (equal_in_any_case(word, *found)) return std::string(word);
  }
  wrong(shown(names), "parameter_invalid",
        fmt::format("{} is none of: {}", in_quotes(*found), listed(allowed)));
  return std::nullopt;
}

std::vector<std::string> Fields::words(Names names, const std::vector<std::string_view>& allowed) {
  const Json* found = find(names);
  if (found == nullptr) return {};
  std::vector<std::string> given;
  for (const Json& one : found->is_array() ? *found : Json::array({*found})) {
    std::string_view rest =
        one.is_string() ? std::string_view(one.get_ref<const std::string&>()) : "";
    if (rest.empty()) given.emplace_back();
    while (!rest.empty()) {
      const auto comma = state_->typed ? rest.size() : std::min(rest.find(','), rest.size());
      given.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  std::vector<std::string> out;
  for (const std::string& one : given) {
    const auto word =
        std::ranges::find_if(allowed, [&](auto w) { return equal_in_any_case(w, one); });
    if (word == allowed.end()) {
      wrong(shown(names), "parameter_invalid",
            fmt::format("{} is none of: {}", in_quotes(one), listed(allowed)));
      return {};
    }
    if (std::ranges::find(out, *word) == out.end()) out.emplace_back(*word);
  }
  return out;
}

std::optional<Time> Fields::time(Names names, DayEdge edge) {
  const Json* found = find(names);
  if (found == nullptr) return std::nullopt;
  const bool seconds = state_->typed && found->is_number_integer();  // unix seconds
  const auto parsed = seconds ? parse_time(found->dump(), edge)
                      : found->is_string()
                          ? parse_time(found->get_ref<const std::string&>(), edge)
                          : Result<Time>(Error{Kind::invalid, "invalid_date", "must be one date"});
  if (parsed) return *parsed;
  wrong(shown(names), parsed.error().code, parsed.error().message);
  return std::nullopt;
}

std::optional<Currency> Fields::currency(Names names) {
  const std::string* found = find_text(names);
  if (found == nullptr) return std::nullopt;
  if (auto currency = Currency::parse(*found)) return currency;
  wrong(shown(names), "currency_invalid",
        fmt::format("{} is no currency of Stripe's; give an ISO 4217 code like \"eur\"",
                    in_quotes(*found)));
  return std::nullopt;
}

std::optional<Uuid> Fields::uuid(Names names) {
  const std::string* found = find_text(names);
  if (found == nullptr) return std::nullopt;
  if (auto uuid = Uuid::parse(*found)) return uuid;
  wrong(shown(names), "parameter_invalid", "must be an id (a UUID)");
  return std::nullopt;
}

std::optional<Error> Fields::done() const {
  if (state_->unreadable) return state_->unreadable;
  std::vector<Mistake> mistakes = *state_->mistakes;
  state_->note_unknown(mistakes);
  if (mistakes.empty()) return std::nullopt;
  const bool readable =
      std::ranges::all_of(mistakes, [](const Mistake& m) { return m.kind != Kind::invalid; });
  Error error{readable ? mistakes.front().kind : Kind::invalid, mistakes.front().error.code,
              fmt::format("{}: {}", mistakes.front().error.param, mistakes.front().error.message),
              mistakes.front().error.param};
  if (mistakes.size() > 1) {
    error.code = "validation_error";
    error.message = fmt::format("{} fields are wrong; see details", mistakes.size());
  }
  for (Mistake& mistake : mistakes) error.details.push_back(std::move(mistake.error));
  return error;
}

}  // namespace payoutd::http
