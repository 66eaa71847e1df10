// A payout of a connected account's own money to its own bank, asked for through us. The intent
// commits before Stripe is called; Stripe's word is then the status; an outcome that nobody knows
// is resolved by repeating the same bytes under the same key, or by what Stripe's lists show, and
// never by asking again under another key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "payouts/resolver.h"
#include "payouts/restored.h"
#include "payouts/sender.h"

namespace payoutd::payouts {

class StripePayouts {
 public:
  explicit StripePayouts(const SendingParts& parts)
      : parts_(parts),
        settler_(parts),
        sender_(parts, settler_),
        resolver_(parts, settler_, sender_),
        restored_(parts.db, parts.client, parts.appliers) {}

  struct Wanted {
    access::ConnectedAccount account;
    Money money;
    std::string method;
    OptionalText description{}, external_id{};
    Json metadata = Json::object();  // texts by key
    std::string actor;
  };
  // The payout that the same external_id asked for before, gone on with from where that stopped;
  // nothing where it asks for the first time, so that pay_out may follow.
  // Errors: 422 `idempotency_key_reused` for another request; 409 `another_platform` where the key
  // is of one; Stripe's refusal, in its words.
  Result<std::optional<PayoutId>> asked_before(const Wanted& wanted);

  // The payout as it stands afterwards: pending or in_transit by Stripe's word; queued where Stripe
  // could not be reached; processing while nobody knows, or Stripe takes longer than a caller
  // waits. Asked again with the same external_id, it goes on where the first one stopped. Errors:
  // Stripe's refusal, in its words; from the commit of the intent on, whatever else goes wrong is
  // may_be_paid().
  Result<PayoutId> pay_out(const Wanted& wanted);
  // Pays out for a caller whom asked_before has just told that this is the first request.
  Result<PayoutId> pay_out_anew(const Wanted& wanted);

  // Errors: 404; 409 `payout_not_cancelable` with the reason; may_be_canceled() where Stripe's
  // answer is not known, or was lost with the database.
  Result<void> cancel(OrgId organization, PayoutId id, const std::string& actor);

  // A person's word on a payout that is in review: Stripe has not paid it. Stripe's list is read
  // once more, whole, and what it shows goes before anybody's word.
  // Errors: 404 `not_in_review`; 409 `sent_too_recently`, within ten minutes of the last send; 409
  // `paid_at_stripe`, then the payout is settled by that; 503 where the list can't be read to its
  // end, and then nothing has changed; may_be_settled() for a database lost after that.
  Result<void> settle_not_paid(PayoutId id, const settlement::Decision& decision);

  Resolver& resolver() { return resolver_; }

 private:
  Result<bool> commit_intent(const Wanted& wanted, const moves_store::NewPayout& payout,
                             const rails::Instruction& instruction, Time now);
  Result<void> settle_by(const rails::Instruction& instruction,
                         const std::optional<SeenObject>& seen,
                         const settlement::Decision& decision);
  Result<std::optional<Payout>> decide_cancel(OrgId organization, PayoutId id,
                                              const std::string& actor);
  Result<void> cancel_at_stripe(const Payout& payout, const std::string& header);

  const SendingParts& parts_;
  Settler settler_;
  Sender sender_;
  Resolver resolver_;
  Restored restored_;
};

}  // namespace payoutd::payouts
