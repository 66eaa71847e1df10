// A payout of a connected account's own money to its own bank, asked for through us. The intent
// commits before Stripe is called; Stripe's word is then the status; an outcome that nobody knows
// is resolved by repeating the same bytes under the same key, or by what Stripe's lists show, and
// never by asking again under another key.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "jobs/handler.h"
#include "mirror/apply.h"
#include "mirror/own_account.h"
#include "payouts/ask_rules.h"
#include "payouts/restored.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::payouts {

inline constexpr const char* kResolveJob = "payouts.resolve";  // {payout}
// Begins the resolving of those whose job was lost: dead, or not in the backup that was restored.
inline constexpr const char* kResolveAllJob = "payouts.resolve_unsettled";

class AskStripe {
 public:
  struct Settings {
    std::chrono::milliseconds timeout{20'000};  // of one send of a request; the client repeats it
    // Named points at which a test ends the process or takes the database away; nothing in service:
    // "committed" before the first byte of a payout leaves, "answered" before what Stripe said of
    // it is kept, "kept" before the caller is told, "cancel_answered" before a payout whose
    // cancellation was asked for is looked at again, "looked" between a list that does not show a
    // payout and what is decided by that.
    std::function<void(const char* point)> at = [](const char*) {};
  };
  // All must outlive it.
  AskStripe(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
            const Clock& clock, Settings settings)
      : db_(db),
        client_(client),
        appliers_(appliers),
        clock_(clock),
        settings_(std::move(settings)),
        own_account_(client),
        restored_(db, client, appliers) {}
  AskStripe(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
            const Clock& clock)
      : AskStripe(db, client, appliers, clock, Settings{}) {}

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
  // could not be reached; processing while nobody knows. Asked again with the same external_id, it
  // goes on where the first one stopped. Errors: Stripe's refusal, in its words; from the commit of
  // the intent on, whatever else goes wrong is may_be_paid().
  Result<PayoutId> pay_out(const Wanted& wanted);

  // Errors: 404; 409 `payout_not_cancelable` with the reason; may_be_canceled() where Stripe's
  // answer is not known, or was lost with the database.
  Result<void> cancel(OrgId organization, PayoutId id, const std::string& actor);

  // Finds out what became of a payout's instruction; does nothing once that is known. Stripe's list
  // is looked at first; what it does not show is sent again under its own key while that key lives.
  // Not before the instruction's `next_look_at`, whoever asks and however often.
  // Errors: retry, while it is not known; Stripe's refusal, in its words.
  Result<void> resolve(OrgId organization, PayoutId id);

  // A person's word on a payout that is in review: Stripe has not paid it. Stripe's list is read
  // once more, whole, and what it shows goes before anybody's word.
  // Errors: 404 `not_in_review`; 409 `sent_too_recently`, within ten minutes of the last send; 409
  // `paid_at_stripe`, then the payout is settled by that; 503 where the list can't be read to its
  // end, and then nothing has changed; may_be_settled() for a database lost after that.
  Result<void> settle_not_paid(PayoutId id, const std::string& actor, const std::string& reason);

  // The handlers of kResolveJob, kResolveAllJob and mirror::kSettleInstructionJob.
  std::vector<jobs::Handler> handlers();

 private:
  enum class Next { nothing, wait, send, look };
  struct Step {
    Next next = Next::nothing;
    std::optional<Instruction> instruction{};
  };
  // What a send came to. `refusal` is Stripe's, on record with the payout.
  struct Verdict {
    Said said = Said::unknown;
    Error refusal{};
  };
  // What a list of Stripe's shows of a payout.
  struct Seen {
    std::string object;
    Time sent_at{};
    std::string request_id;
  };

  // `began`, before the transaction that allowed it: a process that was stopped since sends
  // nothing.
  struct Allowed {
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    Time at{};  // of the business clock
  };
  Result<bool> commit_intent(const Wanted& wanted, const NewPayout& payout,
                             const Instruction& instruction, Time now);
  Result<Verdict> send(const Instruction& instruction, const std::string& header,
                       const Allowed& allowed);
  Result<Verdict> settle(const Instruction& instruction, const stripe::Answer& answer);
  // Done, or in review where the object is not the payout's own; unknown where it shows nothing.
  Result<Said> settle_done(const Instruction& instruction, const Seen& seen);
  struct Standing {
    Payout payout;
    Instruction instruction;
  };
  Result<Said> settle_shown(pg::Tx& tx, const Standing& standing, const MatchedPayout& shown,
                            const Seen& seen);
  void look_later(pg::Tx& tx, const Instruction& known, Time now);
  std::chrono::milliseconds until_next_look(OrgId organization, PayoutId id);
  Result<Step> next_step(OrgId organization, PayoutId id);
  Result<std::optional<Seen>> look_for(const Instruction& instruction, const std::string& header);
  Result<void> send_again(const Instruction& instruction, const std::string& header);
  Result<void> count_absence(const Instruction& instruction, Time began);
  Result<void> settle_by(const Instruction& instruction, const std::optional<Seen>& seen,
                         const std::string& actor, const std::string& reason);
  Result<std::string> stripe_header(OrgId organization, const std::string& account);
  Result<std::optional<Payout>> decide_cancel(OrgId organization, PayoutId id,
                                              const std::string& actor);
  Result<void> cancel_at_stripe(const Payout& payout, const std::string& header);

  pg::Database& db_;
  stripe::Client& client_;
  const mirror::Appliers& appliers_;
  const Clock& clock_;
  const Settings settings_;
  mirror::OwnAccount own_account_;
  Restored restored_;
};

}  // namespace payoutd::payouts
