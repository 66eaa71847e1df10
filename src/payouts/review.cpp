// Settles what looking could not: a person decides, and Stripe's list has the last word.
#include <fmt/format.h>

#include "payouts/ask_rules.h"
#include "payouts/ask_stripe.h"
#include "payouts/in_doubt.h"
#include "payouts/payouts.h"

namespace payoutd::payouts {
namespace {

Error not_in_review(PayoutId id) {
  return {Kind::missing, "not_in_review",
          fmt::format("no payout {} waits for a person: payoutd review list shows those that do",
                      id.str())};
}

// What was sent may still be on its way: only a list that begins after that can show its absence.
Result<void> is_over(const Instruction& instruction, Time now) {
  const Time over = instruction.last_sent_at.value_or(now) + kQuiet;
  if (!instruction.last_sent_at || over <= now) return {};
  return Error{Kind::refused, "sent_too_recently",
               fmt::format("it was sent at {} and may still arrive: ask again after {}",
                           to_iso(*instruction.last_sent_at), to_iso(over))};
}

}  // namespace

Result<void> AskStripe::settle_not_paid(PayoutId id, const std::string& actor,
                                        const std::string& reason) {
  const auto instruction = db_.transact([&](pg::Tx& tx) -> Result<Instruction> {
    const auto found = instructions::in_review(tx, id);
    if (!found) return not_in_review(id);
    const auto whole = instructions::find_of(tx, found->organization, id);
    if (!whole) return not_in_review(id);
    if (auto over = is_over(*whole, clock_.now()); !over) return over.error();
    return *whole;
  });
  if (!instruction) return instruction.error();
  const auto header = stripe_header(instruction->organization, instruction->account);
  if (!header) return header.error();
  const auto seen = look_for(*instruction, *header);
  if (!seen) return Error{Kind::retry, seen.error().code, seen.error().message};
  settings_.at("looked");
  return or_in_doubt(may_be_settled(id),
                     [&] { return settle_by(*instruction, *seen, actor, reason); });
}

Result<void> AskStripe::settle_by(const Instruction& instruction, const std::optional<Seen>& seen,
                                  const std::string& actor, const std::string& reason) {
  const PayoutId id = instruction.payout;
  // One of another amount is a payout of its own in the mirror, and decides nothing here.
  if (seen) {
    if (auto settled = settle_done(instruction, *seen); !settled) return settled.error();
  }
  const auto shown = db_.transact([&](pg::Tx& tx) -> Result<OptionalText> {
    const auto payout = lock_payout(tx, instruction.organization, id);
    if (!payout) return payout.error();
    const auto known = instructions::lock_of(tx, instruction.organization, id);
    const Time now = clock_.now();
    if (known && payout->stripe_payout_id) {
      if (known->state != "done")
        instructions::done(tx, *known, *payout->stripe_payout_id, "", now);
      return payout->stripe_payout_id;
    }
    if (!known || known->state != "needs_review") return not_in_review(id);
    instructions::not_paid(tx, *known, actor, reason, now);
    return OptionalText{};
  });
  if (!shown) return shown.error();
  if (!*shown) return {};
  return Error{
      Kind::refused, "paid_at_stripe",
      fmt::format("Stripe shows payout {} as {}: it is settled by that", id.str(), **shown)};
}

}  // namespace payoutd::payouts
