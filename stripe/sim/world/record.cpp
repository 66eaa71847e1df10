#include "stripe/sim/world/record.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "stripe/sim/wire/call.h"

namespace payoutd::sim {
namespace {

void append_optional(std::string& out, std::string_view text) {
  if (text.empty()) out += "null";
  else append_quoted(out, text);
}

void append_fees(std::string& out, const Row& row) {
  bool first = true;
  for (const auto& fee : row.fee_details) {
    if (!first) out += ',';
    first = false;
    fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"({{"amount":{},"application":)"),
                   fee.amount);
    append_optional(out, fee.application);
    fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"(,"currency":"{}","description":)"),
                   std::string_view(row.currency.code.data(), 3));
    append_optional(out, fee.description);
    fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"(,"type":"{}"}})"), fee.type);
  }
}

// Millionths as a JSON number without a float: 1085000 is 1.085.
std::string decimal_rate(std::int64_t millionths) {
  std::string text = fmt::format("{}.{:06}", millionths / 1'000'000, millionths % 1'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text += '0';
  return text;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (std::ranges::all_of(text, plain)) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += dump(Json(std::string(text)));
  }
}

std::string Document::str(const char* field) const {
  const auto it = json.find(field);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t Document::num(const char* field) const {
  const auto it = json.find(field);
  return it != json.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

bool Document::flag(const char* field) const {
  const auto it = json.find(field);
  return it != json.end() && it->is_boolean() && it->get<bool>();
}

Currency Document::currency() const {
  const auto parsed = Currency::parse(str("currency"));
  CHECK(parsed.has_value());
  return *parsed;
}

void Row::append_text(std::string& out) const {
  fmt::format_to(
      std::back_inserter(out),
      FMT_COMPILE(R"({{"id":"{}","object":"balance_transaction","amount":{},"available_on":{},)"
                  R"("balance_type":"payments","created":{},"currency":"{}","description":)"),
      id, amount, available_on, created, std::string_view(currency.code.data(), 3));
  append_optional(out, description);
  out += R"(,"exchange_rate":)";
  out += rate_millionths == 0 ? "null" : decimal_rate(rate_millionths);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"(,"fee":{},"fee_details":[)"), fee);
  append_fees(out, *this);
  fmt::format_to(std::back_inserter(out),
                 FMT_COMPILE(R"(],"net":{},"reporting_category":"{}","source":)"), net(),
                 type.category);
  append_optional(out, source);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(R"(,"status":"{}","type":"{}"}})"),
                 available ? "available" : "pending", type.type);
}

OrderedJson Row::object() const {
  std::string text;
  append_text(text);
  return OrderedJson::parse(text);
}

void Event::append_text(std::string& out) const { append_version(out, kApiVersion); }

void Event::append_version(std::string& out, std::string_view api_version) const {
  out += R"({"id":")" + id + R"(","object":"event",)";
  if (!account.empty()) out += R"("account":")" + account + R"(",)";
  fmt::format_to(std::back_inserter(out), R"("api_version":"{}","created":{},"data":{{"object":)",
                 api_version, created);
  out += object_text;
  if (!previous_text.empty()) out += R"(,"previous_attributes":)" + previous_text;
  fmt::format_to(std::back_inserter(out),
                 R"(}},"livemode":{},"pending_webhooks":{},"request":{{"id":)", livemode,
                 pending_webhooks);
  append_optional(out, request_id);
  out += R"(,"idempotency_key":)";
  append_optional(out, idempotency_key);
  out += R"(},"type":")" + type + R"("})";
}

OrderedJson Event::object() const {
  std::string text;
  append_text(text);
  return OrderedJson::parse(text);
}

}  // namespace payoutd::sim
