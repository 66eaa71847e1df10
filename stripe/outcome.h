// What is known of a request that moves money, after each of its sends. It decides whether a payout
// may be sent under a new key, so it errs to `unknown` wherever Stripe may have acted.
//
// Of a first send: not done = it certainly did not arrive (no connection, DNS, TLS), or a 4xx of
// Stripe's own (parse_error() tells it from a gateway's), a 429 included; done = a parsed 2xx;
// unknown = all else. A 409 of a key in use and a mismatch
// of parameters speak of another send of the same key: unknown. Once a send was unknown, only a
// parsed 2xx or a 4xx marked Idempotent-Replayed resolves it here; proof of absence is the
// caller's.
#pragma once

#include <string>

namespace payoutd::stripe {

enum class Outcome { done, not_done, unknown };
const char* name_of(Outcome outcome);

// How far one send came.
enum class Reach {
  not_sent,  // certainly no byte of the request left this machine
  lost,      // bytes may have left, and no whole answer came back
  answered,  // a whole answer: `status` is set
};

struct Send {
  Reach reach = Reach::not_sent;
  int status = 0;
  bool parsed = false;    // 2xx: one of Stripe's objects; otherwise: Stripe's own error
  bool replayed = false;  // Idempotent-Replayed: true
  std::string type{};     // of the Stripe error
  std::string code{};
};

// Folds the sends of one key, in order. A caller that resends a stored instruction starts from what
// it stored: History{.unknown = true} where an earlier send's outcome was unknown.
struct History {
  bool unknown = false;
  int sends = 0;  // of which bytes may have left
};

Outcome classify(const History& before, const Send& send);

// The history after that send.
History after(const History& before, const Send& send);

}  // namespace payoutd::stripe
