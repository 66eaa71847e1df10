#include "jobs/retry_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "pg/errors.h"

namespace payoutd::jobs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirst = std::chrono::seconds{1};
constexpr milliseconds kLongest = std::chrono::hours{1};

bool may_pass(const std::exception& thrown) {
  return dynamic_cast<const pg::Unavailable*>(&thrown) != nullptr ||
         dynamic_cast<const pg::InDoubt*>(&thrown) != nullptr ||
         dynamic_cast<const pg::Conflict*>(&thrown) != nullptr;
}

}  // namespace

std::string storable(std::string_view text) {
  std::string clean = log::redact(text.substr(0, kMaxErrorBytes));
  std::ranges::replace(clean, '\0', ' ');
  // JSON's writer replaces what is not UTF-8; its reader gives the text back.
  clean = Json::parse(dump(Json(clean))).get<std::string>();
  std::size_t end = std::min(clean.size(), kMaxErrorBytes);
  while (end < clean.size() && end > 0 && (clean[end] & 0xC0) == 0x80) --end;
  clean.resize(end);
  return clean;
}

milliseconds retry_delay(int attempt, double chance) {
  const int doublings = std::clamp(attempt - 1, 0, 20);
  const milliseconds whole = std::min(kFirst * (1 << doublings), kLongest);
  const auto less = static_cast<std::int64_t>(static_cast<double>(whole.count()) * chance / 2);
  return whole - milliseconds{less};
}

Failure failure_of(const Error& error) {
  return {error.kind == Kind::retry, storable(fmt::format("{}: {}", error.code, error.message))};
}

Failure failure_of(const std::exception& thrown) {
  return {may_pass(thrown), storable(thrown.what())};
}

}  // namespace payoutd::jobs
