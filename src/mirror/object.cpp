#include "mirror/object.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <map>
#include <type_traits>

#include "base/json.h"
#include "stripe/json_text.h"

namespace payoutd::mirror {

namespace {

namespace dom = simdjson::dom;

static_assert(sizeof(dom::element) == sizeof(Object::Handle));
static_assert(std::is_trivially_copyable_v<dom::element>);

constexpr std::int64_t kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::size_t kLongestId = 255;
constexpr std::size_t kLongestText = 65'536;

Object as_object(const dom::element& element) {
  return Object(std::bit_cast<Object::Handle>(element));
}

dom::element element_of(const Object& object) {
  return std::bit_cast<dom::element>(object.handle());
}

// The field, or nothing when it is absent or null.
std::optional<dom::element> field(const Object& object, const char* name) {
  dom::element found;
  if (element_of(object)[name].get(found) != simdjson::SUCCESS || found.is_null()) {
    return std::nullopt;
  }
  return found;
}

// Replaces each \u0000 escape by \ufffd; a backslash that is itself escaped starts none.
std::string without_nul_escapes(std::string json) {
  for (std::size_t at = json.find('\\'); at != std::string::npos; at = json.find('\\', at + 2)) {
    if (json.compare(at, 6, "\\u0000") == 0) json.replace(at, 6, "\\ufffd");
  }
  return json;
}

std::optional<std::string_view> string_in(const dom::element& element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS || text.size() > kLongestText) return std::nullopt;
  return text;
}

}  // namespace

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kLongestId) return false;
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string why_no_id(std::string_view name, std::string_view text) {
  if (text.contains('\0'))
    return fmt::format("{} holds a NUL character, which PostgreSQL can't store", name);
  return fmt::format("{} is not an id", name);
}

std::string_view Object::type() const {
  const auto type = field(*this, "object");
  return type ? string_in(*type).value_or("") : std::string_view{};
}

struct Parser::Impl {
  dom::parser parser;
};

Parser::Parser() : impl_(std::make_unique<Impl>()) {}
Parser::~Parser() = default;

Result<Object> Parser::parse(std::string_view text) {
  dom::element root;
  const auto error = stripe::parse_text(impl_->parser, text, root);
  if (error != simdjson::SUCCESS || !root.is_object()) {
    return Error{Kind::invalid, "object_invalid",
                 error == simdjson::SUCCESS
                     ? "not a JSON object"
                     : fmt::format("not JSON: {}", simdjson::error_message(error))};
  }
  return as_object(root);
}

std::string Fields::id(const char* name) {
  const auto found = field(object_, name);
  const auto text = found ? string_in(*found) : std::nullopt;
  if (!found) refuse(fmt::format("{} is missing", name));
  else if (!text || !is_id(*text)) refuse(why_no_id(name, text.value_or("")));
  return std::string(text.value_or(""));
}

std::string Fields::text(const char* name) {
  if (auto found = optional_text(name)) return *std::move(found);
  refuse(fmt::format("{} is missing", name));
  return {};
}

std::int64_t Fields::integer(const char* name) {
  if (const auto found = optional_integer(name)) return *found;
  refuse(fmt::format("{} is missing", name));
  return 0;
}

bool Fields::boolean(const char* name) {
  if (const auto found = optional_boolean(name)) return *found;
  refuse(fmt::format("{} is missing", name));
  return false;
}

Time Fields::time(const char* name) {
  if (const auto found = optional_time(name)) return *found;
  refuse(fmt::format("{} is missing", name));
  return {};
}

std::string Fields::currency(const char* name) {
  if (auto found = optional_currency(name)) return *std::move(found);
  refuse(fmt::format("{} is missing", name));
  return "xxx";
}

std::optional<std::string> Fields::optional_text(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  if (const auto text = string_in(*found)) return without_nul(*text);
  refuse(fmt::format("{} is not a text of at most {} bytes", name, kLongestText));
  return std::nullopt;
}

std::optional<std::int64_t> Fields::optional_integer(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  std::int64_t value = 0;
  if (found->get(value) == simdjson::SUCCESS) return value;
  refuse(fmt::format("{} is not a whole number of 64 bits", name));
  return std::nullopt;
}

std::optional<bool> Fields::optional_boolean(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  bool value = false;
  if (found->get(value) == simdjson::SUCCESS) return value;
  refuse(fmt::format("{} is neither true nor false", name));
  return std::nullopt;
}

std::optional<Time> Fields::optional_time(const char* name) {
  const auto seconds = optional_integer(name);
  if (!seconds) return std::nullopt;
  if (*seconds >= 0 && *seconds <= kLastSecond) return from_unix(*seconds);
  refuse(fmt::format("{} is not a time between 1970 and 9999", name));
  return std::nullopt;
}

Money Fields::money(const char* amount, const char* currency) {
  const std::int64_t minor = integer(amount);
  return {minor, Currency::shown(this->currency(currency)).value_or(Currency{})};
}

std::optional<std::string> Fields::optional_currency(const char* name) {
  auto found = optional_text(name);
  if (!found) return std::nullopt;
  const bool fits = found->size() == 3 && std::all_of(found->begin(), found->end(),
                                                      [](char c) { return c >= 'a' && c <= 'z'; });
  if (fits) return found;
  refuse(fmt::format("{} is not a currency code in lower case", name));
  return std::nullopt;
}

std::optional<std::string> Fields::optional_id(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  std::string_view id;
  if (found->is_object()) {
    if ((*found)["id"].get(id) != simdjson::SUCCESS) id = {};
  } else if (const auto text = string_in(*found)) {
    id = *text;
  }
  if (is_id(id)) return std::string(id);
  refuse(id.contains('\0') ? why_no_id(name, id)
                           : fmt::format("{} is neither an id nor an object with one", name));
  return std::nullopt;
}

std::optional<std::string> Fields::id_inside(const char* object, const char* name) {
  const auto nested = optional_object(object);
  if (!nested) return std::nullopt;
  Fields inner(*nested);
  auto found = inner.optional_id(name);
  if (inner.wrong_) refuse(fmt::format("{}.{}", object, *inner.wrong_));
  return found;
}

std::optional<std::string> Fields::text_inside(const char* object, const char* name) {
  const auto nested = optional_object(object);
  if (!nested) return std::nullopt;
  Fields inner(*nested);
  auto found = inner.optional_text(name);
  if (inner.wrong_) refuse(fmt::format("{}.{}", object, *inner.wrong_));
  return found;
}

JsonText Fields::json(const char* name, std::string_view when_absent) {
  if (auto found = optional_json(name)) return *std::move(found);
  return {std::string(when_absent)};
}

std::optional<JsonText> Fields::optional_json(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  return JsonText{without_nul_escapes(simdjson::minify(*found))};
}

JsonText Fields::sorted(const char* name) {
  const auto found = field(object_, name);
  if (!found) return {"{}"};
  dom::object object;
  if (found->get(object) != simdjson::SUCCESS) {
    refuse(fmt::format("{} is not an object", name));
    return {"{}"};
  }
  std::map<std::string, std::string> members;
  for (const auto& [key, value] : object) {
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    members[dump(Json(without_nul(key)))] =
        is_text ? dump(Json(without_nul(text))) : without_nul_escapes(simdjson::minify(value));
  }
  std::string json = "{";
  for (const auto& [key, value] : members) {
    if (json.size() > 1) json += ',';
    json += key;
    json += ':';
    json += value;
  }
  return {json + "}"};
}

std::optional<Object> Fields::optional_object(const char* name) {
  const auto found = field(object_, name);
  if (!found) return std::nullopt;
  if (found->is_object()) return as_object(*found);
  refuse(fmt::format("{} is not an object", name));
  return std::nullopt;
}

void Fields::each(const char* name, std::size_t limit,
                  const std::function<void(const Object&)>& call) {
  auto found = field(object_, name);
  if (!found) return;
  if (found->is_object()) {
    dom::element inner;
    if ((*found)["data"].get(inner) == simdjson::SUCCESS) found = inner;
  }
  dom::array array;
  if (found->get(array) != simdjson::SUCCESS) return refuse(fmt::format("{} is not a list", name));
  std::size_t seen = 0;
  for (const dom::element element : array) {
    if (!element.is_object()) return refuse(fmt::format("{} holds what is no object", name));
    if (++seen > limit) return refuse(fmt::format("{} has more than {} elements", name, limit));
    call(as_object(element));
  }
}

bool Fields::has_more(const char* name) {
  const auto list = field(object_, name);
  bool more = false;
  return list && list->is_object() && (*list)["has_more"].get(more) == simdjson::SUCCESS && more;
}

void Fields::refuse(std::string why) {
  if (!wrong_) wrong_ = std::move(why);
}

std::optional<Error> Fields::error() const {
  if (!wrong_) return std::nullopt;
  return Error{Kind::unprocessable, "object_invalid", *wrong_};
}

std::optional<Decimal> raw_number(std::string_view text, const char* name) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(text);
  simdjson::ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  simdjson::ondemand::value value;
  if (document.find_field_unordered(name).get(value) != simdjson::SUCCESS) return std::nullopt;
  simdjson::ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS ||
      type != simdjson::ondemand::json_type::number) {
    return std::nullopt;
  }
  std::string_view token = value.raw_json_token();
  const auto end = token.find_first_not_of("0123456789+-.eE");
  token = token.substr(0, end);
  // An exponent of many digits would overflow a numeric column, and no rate has one.
  const auto exponent = token.find_first_of("eE");
  const bool modest = exponent == std::string_view::npos || token.size() - exponent <= 4;
  if (token.size() > 64 || !modest) return std::nullopt;
  return Decimal{std::string(token)};
}

}  // namespace payoutd::mirror
