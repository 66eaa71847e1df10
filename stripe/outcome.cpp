#include "stripe/outcome.h"

namespace payoutd::stripe {
namespace {

// The answer speaks of another send of this key, whose result it does not tell.
bool about_another_send(const Send& send) {
  if (send.type == "idempotency_error" || send.code == "idempotency_key_in_use") return true;
  return send.status == 409 && send.code.empty() && !send.replayed;
}

// What an answer says by itself, without regard to earlier sends.
Outcome of_answer(const Send& send) {
  if (send.status >= 200 && send.status < 300)
    return send.parsed ? Outcome::done : Outcome::unknown;
  // What a gateway says is not Stripe's word, a 429 neither.
  if (!send.parsed || send.status < 400 || send.status >= 500) return Outcome::unknown;
  return about_another_send(send) ? Outcome::unknown : Outcome::not_done;
}

Outcome alone(const Send& send) {
  switch (send.reach) {
    case Reach::not_sent: return Outcome::not_done;
    case Reach::lost: return Outcome::unknown;
    case Reach::answered: return of_answer(send);
  }
  return Outcome::unknown;
}

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return "done";
    case Outcome::not_done: return "not_done";
    case Outcome::unknown: return "unknown";
  }
  return "unknown";
}

Outcome classify(const History& before, const Send& send) {
  const Outcome says = alone(send);
  if (!before.unknown || says != Outcome::not_done) return says;
  // A replay is the stored result of the send that was executed: it speaks for all of them.
  const bool speaks_for_all = send.reach == Reach::answered && send.replayed && send.parsed;
  return speaks_for_all ? Outcome::not_done : Outcome::unknown;
}

History after(const History& before, const Send& send) {
  return {.unknown = classify(before, send) == Outcome::unknown,
          .sends = before.sends + (send.reach == Reach::not_sent ? 0 : 1)};
}

}  // namespace payoutd::stripe
