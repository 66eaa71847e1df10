#include "payouts/ask_rules.h"

#include "payouts/stripe_payout.h"

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

MatchedPayout match_of(const std::string& object, const Instruction& instruction) {
  const Json json = Json::parse(object, nullptr, false);
  const auto text = [](const Json& in, const char* name) {
    const auto at = in.is_object() ? in.find(name) : in.end();
    return in.is_object() && at != in.end() && at->is_string() ? at->get<std::string>() : "";
  };
  const Json metadata = json.is_object() ? json.value("metadata", Json()) : Json();
  MatchedPayout shown{.stripe_id = text(json, "id")};
  if (text(json, "object") != "payout" || shown.stripe_id.empty() ||
      text(metadata, kPayoutIdKey) != instruction.payout.str() ||
      text(metadata, kAttemptKey) != std::to_string(instruction.attempt)) {
    return {};
  }
  const Money& asked = instruction.money;
  const bool same = json.value("amount", Json()) == asked.minor &&
                    text(json, "currency") == asked.currency.str();
  shown.match = same ? Match::its_payout : Match::another_amount;
  return shown;
}

bool is_settled(const Instruction& one) {
  return one.state == "done" || one.state == "not_done" || one.state == "needs_review";
}

}  // namespace payoutd::payouts
