// Cancels a payout: before it is sent in one row lock with sending, afterwards by asking Stripe.
#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "payouts/in_doubt.h"
#include "payouts/payouts.h"
#include "payouts/stripe_payouts.h"

namespace payoutd::payouts {
namespace {

Error refuse(std::string reason) {
  return Error{Kind::refused, "payout_not_cancelable", std::move(reason)};
}

// Why Stripe need not be asked; nothing where it has to be.
std::optional<Error> refusal_of(const Payout& payout) {
  if (payout.status == Status::canceled) return refuse("the payout is canceled already");
  if (payout.automatic.value_or(false)) {
    return refuse("Stripe made this payout by its schedule; only manual ones can be canceled");
  }
  if (payout.stripe_payout_id && payout.status != Status::pending) {
    return refuse("the payout is " + payout.status.text + "; Stripe cancels only pending ones");
  }
  return std::nullopt;
}

bool is_unsent(const Payout& payout, const std::optional<rails::Instruction>& instruction) {
  return instruction && instruction->state == rails::InstructionState::ready &&
         payout.status == Status::queued;
}

}  // namespace

Result<void> StripePayouts::cancel(OrgId organization, PayoutId id, const std::string& actor) {
  const auto decided = decide_cancel(organization, id, actor);
  if (!decided) return decided.error();
  if (!*decided) return {};
  const Payout& payout = **decided;
  const auto header = parts_.stripe_header(organization, *payout.account);
  if (!header) return header.error();
  return or_in_doubt(may_be_canceled(id), [&] { return cancel_at_stripe(payout, *header); });
}

// The payout where Stripe has to be asked; nothing where it was canceled before it was sent.
Result<std::optional<Payout>> StripePayouts::decide_cancel(OrgId organization, PayoutId id,
                                                           const std::string& actor) {
  try {
    return parts_.db.transact([&](pg::Tx& tx) -> Result<std::optional<Payout>> {
      auto payout = lock_payout(tx, organization, id);
      if (!payout) return payout.error();
      if (auto refused = refusal_of(*payout)) return *refused;
      if (payout->stripe_payout_id) {
        moves_store::note(tx, organization, id,
                          {.kind = "cancel_requested", .actor = actor, .at = parts_.clock.now()});
        return std::optional<Payout>(std::move(*payout));
      }
      const auto instruction = rails::instructions_store::lock_of(tx, organization, id);
      if (!is_unsent(*payout, instruction)) {
        return refuse("the payout is " + payout->status.text +
                      ": it can be canceled before it is sent, or once "
                      "Stripe shows it as pending");
      }
      settlement::canceled(tx, *instruction, actor, parts_.clock.now());
      return std::optional<Payout>{};
    });
  } catch (const pg::InDoubt& lost) {
    log::error("the commit of a cancellation is in doubt",
               {{"payout", id.str()}, {"what", std::string_view(lost.what())}});
    return may_be_canceled(id);
  }
}

// Stripe cancels a payout once, whatever the key: each time it is asked has a key of its own, so
// that no stored failure of an earlier time is repeated for a day.
Result<void> StripePayouts::cancel_at_stripe(const Payout& payout, const std::string& header) {
  CHECK(payout.stripe_payout_id && payout.account);
  const stripe::Answer answer = parts_.client.send(
      stripe::Request::post(stripe::v1_path({"payouts", *payout.stripe_payout_id, "cancel"}),
                            stripe::IdempotencyKey("payoutd-cancel-" + Uuid::v7().str()), "")
          .on(header)
          .with(stripe::Priority::money)
          .with(stripe::Retries::money())
          .with(parts_.settings.timeout));
  parts_.settings.at("cancel_answered");
  // Whatever was answered, the payout itself says how it stands.
  const auto shown = mirror::fetch_and_apply(parts_.db, parts_.client, parts_.appliers,
                                             {.organization = payout.organization,
                                              .account = *payout.account,
                                              .stripe_header = header,
                                              .type = "payout",
                                              .stripe_ids = {*payout.stripe_payout_id},
                                              .retries = stripe::Retries::money()});
  if (!shown) return may_be_canceled(payout.id);
  const auto status = parts_.db.transact([&](pg::Tx& tx) -> Result<StatusWord> {
    const auto found = find_payout(tx, payout.organization, payout.id.str());
    if (!found) return found.error();
    return found->status;
  });
  if (!status) return may_be_canceled(payout.id);
  if (*status == Status::canceled) return {};
  if (*status != Status::pending) {
    return refuse("the payout is " + status->text + "; Stripe cancels only pending ones");
  }
  if (answer.outcome == stripe::Outcome::not_done && rails::is_refusal(answer))
    return refuse(answer.refusal->message);
  return may_be_canceled(payout.id);
}

}  // namespace payoutd::payouts
