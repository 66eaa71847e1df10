// Settles what looking could not: a person decides, and Stripe's list has the last word.
#include <fmt/format.h>

#include "payouts/in_doubt.h"
#include "payouts/look_rules.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payouts.h"

namespace payoutd::payouts {
namespace {

Error not_in_review(PayoutId id) {
  return {Kind::missing, "not_in_review",
          fmt::format("no payout {} waits for a person: payoutd review list shows those that do",
                      id.str())};
}

// A request may still be on its way: only a list that begins after it can show the payout's
// absence.
Result<void> is_over(const rails::Instruction& instruction, Time now) {
  const Time over = instruction.last_sent_at.value_or(now) + kQuiet;
  if (!instruction.last_sent_at || over <= now) return {};
  return Error{Kind::refused, "sent_too_recently",
               fmt::format("it was sent at {} and may still arrive: ask again after {}",
                           to_iso(*instruction.last_sent_at), to_iso(over))};
}

}  // namespace

Result<void> StripePayouts::settle_not_paid(PayoutId id, const settlement::Decision& decision) {
  using rails::Instruction;
  const auto instruction = parts_.db.transact([&](pg::Tx& tx) -> Result<Instruction> {
    const auto found = rails::instructions_store::in_review(tx, id);
    if (!found) return not_in_review(id);
    const auto whole = rails::instructions_store::find_of(tx, found->organization, id);
    if (!whole) return not_in_review(id);
    if (auto over = is_over(*whole, parts_.clock.now()); !over) return over.error();
    return *whole;
  });
  if (!instruction) return instruction.error();
  const auto header = parts_.stripe_header(instruction->organization, instruction->account);
  if (!header) return header.error();
  const auto seen = resolver_.look_for({&*instruction, 1}, *header);
  if (!seen) return Error{Kind::retry, seen.error().code, seen.error().message};
  parts_.settings.at("looked");
  return or_in_doubt(may_be_settled(id),
                     [&] { return settle_by(*instruction, seen->front(), decision); });
}

Result<void> StripePayouts::settle_by(const rails::Instruction& instruction,
                                      const std::optional<SeenObject>& seen,
                                      const settlement::Decision& decision) {
  CHECK(instruction.members.size() == 1 && !decision.actor.empty());
  const PayoutId id = instruction.members.front();
  // An object of another amount is a payout of its own in the mirror, and decides nothing here.
  if (seen) {
    if (auto settled = settler_.settle_seen(instruction, *seen); !settled) return settled.error();
  }
  const auto shown = parts_.db.transact([&](pg::Tx& tx) -> Result<OptionalText> {
    const auto locked = lock_instruction(tx, instruction.organization, id);
    if (!locked) return not_in_review(id);
    const Time now = parts_.clock.now();
    if (locked->named()) {
      settlement::done(tx, locked->instruction, *locked->named(), "", now);
      return locked->named();
    }
    if (locked->instruction.state != rails::InstructionState::needs_review)
      return not_in_review(id);
    settlement::not_paid(tx, locked->instruction, decision, now);
    return OptionalText{};
  });
  if (!shown) return shown.error();
  if (!*shown) return {};
  return Error{
      Kind::refused, "paid_at_stripe",
      fmt::format("Stripe shows payout {} as {}: it is settled by that", id.str(), **shown)};
}

}  // namespace payoutd::payouts
