#include "stripe/server_time.h"

#include <curl/curl.h>

#include <algorithm>
#include <string>
#include <utility>

namespace payoutd::stripe {
namespace {

constexpr std::chrono::minutes kRemembered{5};  // at least; a clock that was set back counts again

std::chrono::microseconds micros(Instant at) {
  return std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch());
}

}  // namespace

std::optional<Time> parse_date(std::string_view text) {
  const std::time_t seconds = curl_getdate(std::string(text).c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return from_unix(seconds);
}

Time ServerTime::sent_at(Instant sent, Instant received, Time date) {
  if (received - begun_ > kRemembered) {
    before_ = std::exchange(latest_, std::nullopt);
    begun_ = received;
  }
  const auto ahead = date.time_since_epoch() - micros(received);
  latest_ = std::max(latest_.value_or(ahead), ahead);
  const Time at{micros(sent) + std::max(*latest_, before_.value_or(*latest_))};
  return std::min<Time>(std::chrono::floor<std::chrono::seconds>(at), date);
}

}  // namespace payoutd::stripe
