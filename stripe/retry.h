// When a send is repeated, and after which pause. Repeats carry the same key and the same bytes.
//
// Stripe-Should-Retry decides first; without it 409, 5xx and no answer are repeated, as Stripe's
// SDKs do, and 429 too, with a longer pause. Reads repeat a 429 whatever the header says: a limit
// never ends a list that is being read. A gateway's error is no answer of Stripe's, so it is
// repeated, too.
#pragma once

#include <chrono>
#include <optional>

#include "stripe/outcome.h"

namespace payoutd::stripe {

using Pause = std::chrono::milliseconds;

struct Retries {
  int failures = 2;               // repeats after 409, 5xx and no answer
  int limited = 2;                // repeats after 429
  bool limits_never_end = false;  // of a read: a 429 is repeated even against Stripe-Should-Retry
  Pause longest_pause{5'000};
  Pause give_up_after{120'000};  // of sends and pauses together, without waits for the budget

  static Retries reading();  // 8 failures, 429 for as long as an hour, pauses up to 30 s
  static Retries money();    // 2 and 2: the instruction's own schedule does the rest
  static Retries none();
};

// What has happened in this call so far, the last send included.
struct Tries {
  int failures = 0;
  int limited = 0;
  Pause spent{0};
};

struct LastSend {
  Send send{};
  std::optional<bool> should_retry{};
  std::optional<std::chrono::seconds> retry_after{};
  bool hopeless = false;  // a certificate that is not trusted stays so
};

inline constexpr std::chrono::seconds kLongestRetryAfter{60};

bool is_limited(const LastSend& last);

// The pause before the next send, or nothing: stop. `jitter` is 0 to 1. Retry-After up to
// kLongestRetryAfter is a lower bound; a longer one is cut to that.
std::optional<Pause> pause_before_retry(const Retries& retries, const Tries& tries,
                                        const LastSend& last, double jitter);

}  // namespace payoutd::stripe
