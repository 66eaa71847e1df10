// When a request was sent, by the clock of the server that answered it: our own may be seconds off,
// and what Stripe shows is ordered by Stripe's seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "stripe/budget.h"

namespace payoutd::stripe {

// An answer whose Date is further from our clock was not dated by Stripe's.
inline constexpr std::chrono::hours kDateDiffers{24};

// The second of "Thu, 26 Nov 2026 01:05:03 GMT"; nothing where the text is no such date.
std::optional<Time> parse_date(std::string_view text);

// Date tells a whole second, at most one too early. Of several answers the one that was dated
// nearest to a second's beginning, and came quickest, tells best how far the server's clock is
// ahead of the monotonic one. Not for several threads.
class ServerTime {
 public:
  // The second of the server's clock in which the request was sent, or an earlier one: never later,
  // if the server's clock runs steadily. `received` is when the server's `date` came.
  Time sent_at(Instant sent, Instant received, Time date);

 private:
  // How far the server's clock is ahead, at least: as the answers of the last minutes showed.
  std::optional<std::chrono::microseconds> latest_{}, before_{};
  Instant begun_{};
};

}  // namespace payoutd::stripe
