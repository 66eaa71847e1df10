#include "payouts/ask_rules.h"

namespace payoutd::payouts {
namespace {

bool is_refusal(const stripe::Answer& answer) {
  return answer.refusal && answer.refusal->status >= 400 && answer.refusal->status < 500 &&
         answer.refusal->status != 429;
}

}  // namespace

Said what_it_says(const stripe::Answer& answer, const Instruction& sent, const Instruction& known) {
  switch (answer.outcome) {
    case stripe::Outcome::done: return Said::done;
    case stripe::Outcome::unknown: return Said::unknown;
    case stripe::Outcome::not_done: break;
  }
  const bool alone = known.sends == sent.sends && known.was_unknown == sent.was_unknown;
  if (!alone && !answer.response.replayed) return Said::unknown;
  return is_refusal(answer) ? Said::refused : Said::not_arrived;
}

bool is_settled(const Instruction& one) {
  return one.state == "done" || one.state == "not_done" || one.state == "needs_review";
}

}  // namespace payoutd::payouts
