#include "stripe/retry.h"

#include <algorithm>
#include <limits>

namespace payoutd::stripe {
namespace {

bool worth_repeating(const Retries& retries, const LastSend& last) {
  if (last.hopeless) return false;
  const Send& send = last.send;
  if (send.reach != Reach::answered) return true;
  if (is_limited(last) && retries.limits_never_end) return true;
  // A 2xx that could not be read is no answer; its Stripe-Should-Retry speaks of the success.
  if (send.status >= 200 && send.status < 300) return !send.parsed;
  if (last.should_retry) return *last.should_retry;
  if (send.status >= 400 && !send.parsed) return true;
  return send.status == 409 || send.status == 429 || send.status >= 500;
}

// 0.5 s · 2^(n-1), times 0.5 to 1 so that many clients do not return at once, at least 0.5 s.
Pause backoff(int n, Pause longest, double jitter) {
  const auto full = Pause{500LL << std::clamp(n - 1, 0, 16)};
  const auto capped = static_cast<double>(std::min(full, longest).count());
  const auto jittered =
      Pause{static_cast<std::int64_t>(capped * (0.5 + 0.5 * std::clamp(jitter, 0.0, 1.0)))};
  return std::max(jittered, std::min(Pause{500}, longest));
}

}  // namespace

Retries Retries::reading() {
  return {.failures = 8,
          .limited = std::numeric_limits<int>::max(),
          .limits_never_end = true,
          .longest_pause = Pause{30'000},
          .give_up_after = std::chrono::hours{1}};
}

Retries Retries::money() { return {}; }

Retries Retries::none() { return {.failures = 0, .limited = 0}; }

bool is_limited(const LastSend& last) {
  return last.send.reach == Reach::answered && last.send.status == 429;
}

std::optional<Pause> pause_before_retry(const Retries& retries, const Tries& tries,
                                        const LastSend& last, double jitter) {
  const bool limited = is_limited(last);
  const int n = limited ? tries.limited : tries.failures;
  if (n > (limited ? retries.limited : retries.failures)) return std::nullopt;
  if (!worth_repeating(retries, last)) return std::nullopt;
  Pause pause = backoff(n, retries.longest_pause, jitter);
  if (last.retry_after && last.retry_after->count() > 0) {
    pause = std::max(pause, Pause{std::min(*last.retry_after, kLongestRetryAfter)});
  }
  if (tries.spent + pause > retries.give_up_after) return std::nullopt;
  return pause;
}

}  // namespace payoutd::stripe
