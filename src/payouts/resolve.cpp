// Finds out what became of a payout that was asked for.
#include <simdjson.h>

#include "payouts/ask_rules.h"
#include "payouts/ask_stripe.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payout.h"
#include "stripe/pages.h"

namespace payoutd::payouts {
namespace {

// Whether a payout in a list says that this instruction asked for it. One of another amount is no
// proof of absence: settle_done has a person look at it.
bool is_of(const simdjson::dom::object& object, const Instruction& instruction) {
  std::string_view id, attempt;
  return object.at_pointer(std::string("/metadata/") + kPayoutIdKey).get(id) == simdjson::SUCCESS &&
         object.at_pointer(std::string("/metadata/") + kAttemptKey).get(attempt) ==
             simdjson::SUCCESS &&
         id == instruction.payout.str() && attempt == std::to_string(instruction.attempt);
}

Error unresolved(const Instruction& instruction) {
  return Error{Kind::retry, kOutcomeUnknown,
               "what became of the payout at Stripe is not known yet: " +
                   instruction.outcome_message.value_or("it is being sent")};
}

}  // namespace

Result<void> AskStripe::resolve(OrgId organization, PayoutId id) {
  const auto step = next_step(organization, id);
  if (!step) return step.error();
  if (step->next == Next::nothing) return {};
  const Instruction& instruction = *step->instruction;
  if (step->next == Next::wait) return unresolved(instruction);
  const auto header = stripe_header(organization, instruction.account);
  if (!header) return Error{Kind::retry, header.error().code, header.error().message};
  const Time began = clock_.now();
  const auto seen = look_for(instruction, *header);
  if (!seen) return Error{Kind::retry, seen.error().code, seen.error().message};
  if (*seen) {
    const auto said = settle_done(instruction, **seen);
    if (!said) return Error{Kind::retry, said.error().code, said.error().message};
    if (*said == Said::unknown) return unresolved(instruction);
    return {};
  }
  if (step->next == Next::look) return count_absence(instruction, began);
  settings_.at("looked");
  return send_again(instruction, *header);
}

Result<AskStripe::Step> AskStripe::next_step(OrgId organization, PayoutId id) {
  return db_.transact([&](pg::Tx& tx) -> Result<Step> {
    const auto payout = lock_payout(tx, organization, id);
    if (!payout) return payout.error();
    auto instruction = instructions::lock_of(tx, organization, id);
    if (!instruction || instruction->state == "done") return Step{};
    const Time now = clock_.now();
    // Stripe's word stands, also over what was believed before, but for two payouts of one.
    if (payout->stripe_payout_id && instruction->outcome_code != kSecondObject) {
      instructions::done(tx, *instruction, *payout->stripe_payout_id, "", now);
      return Step{};
    }
    if (is_settled(*instruction)) return Step{};
    if (instruction->state == "sending" &&
        now - instruction->last_sent_at.value_or(now) < kSendTakes) {
      return Step{Next::wait, instruction};
    }
    if (instruction->next_look_at && now < *instruction->next_look_at)
      return Step{Next::wait, instruction};
    const auto age = now - instruction->first_sent_at.value_or(now);
    if (age > kGiveUp) {
      instructions::needs_review(tx, *instruction, "needs_review",
                                 "a week of looking decided nothing", now);
      return Step{};
    }
    ++instruction->looks;
    instructions::plan(tx, *instruction, instruction->looks, next_look(*instruction, now));
    const bool key_lives = age < kKeyLife && instruction->outcome_code != kReplayedError;
    return Step{key_lives ? Next::send : Next::look, instruction};
  });
}

Result<std::optional<AskStripe::Seen>> AskStripe::look_for(const Instruction& instruction,
                                                           const std::string& header) {
  const auto since = instruction.first_sent_at.value_or(clock_.now()) - kClocksDiffer;
  stripe::Pages pages = client_.list({.path = "/v1/payouts",
                                      .query = stripe::Form{}.add("created[gte]", to_unix(since)),
                                      .account = header,
                                      .priority = stripe::Priority::money,
                                      .retries = stripe::Retries::money()});
  std::optional<Seen> other;  // names the payout with another amount: its own goes before
  for (const stripe::Page& page : pages) {
    for (const stripe::Item& item : page.items) {
      if (!is_of(item.object, instruction)) continue;
      Seen seen{std::string(item.raw), page.sent_at, std::string(page.request_id)};
      if (match_of(seen.object, instruction).match == Match::its_payout) return std::optional(seen);
      if (!other) other = std::move(seen);
    }
  }
  if (auto whole = pages.finished(); !whole) return whole.error();
  return other;
}

Result<void> AskStripe::send_again(const Instruction& looked_for, const std::string& header) {
  Instruction instruction = looked_for;
  const Allowed allowed{.at = clock_.now()};
  const auto begun = db_.transact([&](pg::Tx& tx) -> Result<bool> {
    if (auto row = lock_payout(tx, looked_for.organization, looked_for.payout); !row)
      return row.error();
    const auto known = instructions::lock_of(tx, looked_for.organization, looked_for.payout);
    // Canceled, settled, or sent by somebody else while the list was read.
    if (!known || is_settled(*known) || known->sends != looked_for.sends) return false;
    instruction = *known;
    // Nothing may be sent on a decision that has become old.
    if (allowed.at - known->first_sent_at.value_or(allowed.at) >= kKeyLife) return false;
    // Whoever was sending it ended meanwhile: it may have arrived.
    if (known->state == "sending") instruction.was_unknown = true;
    instructions::sending(tx, instruction, allowed.at);
    instructions::plan(tx, instruction, instruction.looks,
                       std::max(next_look(instruction, allowed.at), allowed.at + kSendTakes));
    ++instruction.sends;
    return true;
  });
  if (!begun) return begun.error();
  if (!*begun) return unresolved(looked_for);
  const auto verdict = send(instruction, header, allowed);
  if (!verdict) return Error{Kind::retry, verdict.error().code, verdict.error().message};
  if (verdict->said == Said::unknown) return unresolved(instruction);
  if (verdict->said == Said::not_arrived) {
    return Error{Kind::retry, "not_arrived",
                 "Stripe could not be reached, or asked to wait: it is sent again later"};
  }
  if (verdict->said == Said::refused) return verdict->refusal;
  return {};
}

Result<void> AskStripe::count_absence(const Instruction& instruction, Time began) {
  const auto proven = db_.transact([&](pg::Tx& tx) -> Result<bool> {
    const auto payout = lock_payout(tx, instruction.organization, instruction.payout);
    if (!payout) return payout.error();
    const auto known = instructions::lock_of(tx, instruction.organization, instruction.payout);
    if (!known || is_settled(*known) || payout->stripe_payout_id) return true;
    const Time last_sent = known->last_sent_at.value_or(began);
    if (last_sent > began) return false;  // sent while this list was read
    if (last_sent + kQuiet <= began && known->absent_since && *known->absent_since < began) {
      // Stripe has said yes to something: no list proves that it was nothing.
      if (known->outcome_code == kAnotherAnswer) {
        instructions::needs_review(tx, *known, kAnotherAnswer,
                                   "Stripe's answer was a success, and no list shows the payout",
                                   clock_.now());
        return true;
      }
      instructions::not_done(tx, *known, "not_at_stripe",
                             "two complete lists of Stripe's do not show it", clock_.now());
      return true;
    }
    instructions::absent(tx, *known, began);
    // The next list decides, as soon as it may.
    if (!known->absent_since) {
      instructions::plan(tx, *known, known->looks,
                         std::max(last_sent + kQuiet, clock_.now() + kFirstLook));
    }
    return false;
  });
  if (!proven) return proven.error();
  if (!*proven) return unresolved(instruction);
  return {};
}

}  // namespace payoutd::payouts
