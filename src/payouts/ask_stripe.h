// A payout of a connected account's own money to its own bank, asked for through us. The intent commits
// before Stripe is called; Stripe's word is then the status; an outcome that nobody knows is resolved
// by repeating the same bytes under the same key, or by what Stripe's lists show, and never by asking
// again under another key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "jobs/handler.h"
#include "mirror/apply.h"
#include "payouts/instructions.h"
#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::payouts {

inline constexpr const char* kResolveJob = "payouts.resolve";  // {payout}

// Named points at which a test ends the process; nothing in service.
struct CrashPoints {
  std::function<void(const char* point)> at = [](const char*) {};  // "committed", "answered"
};

class AskStripe {
 public:
  // All must outlive it.
  AskStripe(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers, const Clock& clock,
            CrashPoints crash = {})
      : db_(db), client_(client), appliers_(appliers), clock_(clock), crash_(std::move(crash)) {}

  struct Wanted {
    access::ConnectedAccount account;
    Money money;
    std::string method;
    OptionalText description{}, external_id{};
    Json metadata = Json::object();  // texts by key
    std::string actor;
  };
  // The payout as it stands afterwards: pending or in_transit by Stripe's word; queued where Stripe could
  // not be reached; processing while nobody knows. Asked again with the same external_id, it goes on
  // where the first one stopped. Error: Stripe's refusal, in its words.
  Result<PayoutId> pay_out(const Wanted& wanted);

  // Errors: 404; 409 `payout_not_cancelable` with the reason; 503 where Stripe's answer is not known.
  Result<void> cancel(OrgId organization, PayoutId id, const std::string& actor);

  // Finds out what became of a payout's instruction; does nothing once that is known.
  // Error: retry, while it is not.
  Result<void> resolve(OrgId organization, PayoutId id);

  // The handlers of kResolveJob and of mirror::kSettleInstructionJob.
  std::vector<jobs::Handler> handlers();

 private:
  Result<void> send(const Instruction& instruction);
  Result<void> settle(const Instruction& instruction, const stripe::Answer& answer);
  Result<void> settle_done(const Instruction& instruction, const std::string& object, Time shown_at,
                           const std::string& request_id);
  Result<void> look_for(const Instruction& instruction);
  Result<std::string> stripe_header(OrgId organization, const std::string& account);
  Result<void> cancel_at_stripe(const Payout& payout);

  pg::Database& db_;
  stripe::Client& client_;
  const mirror::Appliers& appliers_;
  const Clock& clock_;
  const CrashPoints crash_;
};

}  // namespace payoutd::payouts
