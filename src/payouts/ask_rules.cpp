#include "payouts/ask_rules.h"

#include <algorithm>

#include "payouts/stripe_payout.h"

namespace payoutd::payouts {
namespace {

// Stripe asks to come again: by status, or by a code that it has also sent with others.
bool is_limit(const stripe::StripeError& error) {
  return error.status == 429 || error.code == "rate_limit" || error.code == "lock_timeout";
}

}  // namespace

bool is_refusal(const stripe::Answer& answer) {
  return answer.refusal && answer.refusal->status >= 400 && answer.refusal->status < 500 &&
         !is_limit(*answer.refusal);
}

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
  const bool same =
      json.value("amount", Json()) == asked.minor && text(json, "currency") == asked.currency.str();
  shown.match = same ? Match::its_payout : Match::another_amount;
  return shown;
}

std::chrono::milliseconds pause_before_look(int looks, double spread) {
  using std::chrono::milliseconds;
  const auto whole =
      std::min<milliseconds>(kFirstLook * (1 << std::clamp(looks, 0, 16)), kLongestPause);
  const double more = static_cast<double>(whole.count()) * std::clamp(spread, 0.0, 1.0) / 2;
  return whole + std::chrono::milliseconds{static_cast<std::int64_t>(more)};
}

Time next_look(const Instruction& instruction, Time now) {
  constexpr std::size_t kParts = 1'000;
  const auto part = std::hash<std::string>{}(instruction.id.str()) % (kParts + 1);
  return now + pause_before_look(instruction.looks, static_cast<double>(part) / kParts);
}

bool is_settled(const Instruction& one) {
  return one.state == "done" || one.state == "not_done" || one.state == "needs_review";
}

}  // namespace payoutd::payouts
