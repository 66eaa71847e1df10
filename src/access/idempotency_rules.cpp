#include "access/idempotency_rules.h"

#include <algorithm>
#include <cctype>

#include "access/key_text.h"
#include "base/ascii.h"

namespace payoutd::access {
namespace {

constexpr std::string_view kHeader = "idempotency-key";
constexpr std::size_t kMaxKeyLength = 255;

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// Each part with its length: no two lists of parts give the same bytes.
void append_part(std::string& bytes, std::string_view part) {
  bytes += std::to_string(part.size());
  bytes += ':';
  bytes += part;
}

}  // namespace

Result<std::optional<std::string>> idempotency_key_in(const http::Request& request) {
  std::optional<std::string> key;
  for (const auto& [name, value] : request.headers) {
    if (name != kHeader) continue;
    if (key) {
      return Error{Kind::invalid, "idempotency_key_invalid",
                   "more than one Idempotency-Key header"};
    }
    key = value;
  }
  if (key && (key->empty() || key->size() > kMaxKeyLength || !printable(*key))) {
    return Error{Kind::invalid, "idempotency_key_invalid",
                 "an Idempotency-Key has 1 to 255 printable ASCII characters"};
  }
  return key;
}

std::string canonical_path(const http::Request& request, const http::Route& route) {
  std::string path;
  std::string_view rest = route.pattern;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('/', 1), rest.size());
    const std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!segment.starts_with("/:")) {
      path += segment;
      continue;
    }
    path += '/';
    path += request.param(segment.substr(2));
  }
  return path;
}

std::string fingerprint_of(const http::Request& request, const http::Route& route) {
  std::string bytes;
  bytes.reserve(request.body.size() + 256);
  append_part(bytes, request.method);
  append_part(bytes, route.pattern);
  append_part(bytes, canonical_path(request, route));
  append_part(bytes, std::to_string(request.query.size()));
  for (const auto& [name, value] : request.query) {
    append_part(bytes, name);
    append_part(bytes, value);
  }
  append_part(bytes, request.body);
  return sha256(bytes);
}

bool is_kept_header(std::string_view name) {
  static constexpr std::string_view kKept[] = {
      "location",        "link", "etag", "warning", "content-disposition", "preference-applied",
      "content-language"};
  return std::ranges::any_of(kKept,
                             [&](std::string_view kept) { return equal_in_any_case(name, kept); });
}

}  // namespace payoutd::access
