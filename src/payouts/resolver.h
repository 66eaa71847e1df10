// Finds out what became of the instructions whose outcome is not known. One list of an account's
// objects at Stripe settles all of them that it shows; what it does not show is sent again under
// its own key while that key lives, and settled as not done once two complete lists prove that it
// is absent.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "jobs/duties.h"
#include "payouts/sender.h"

namespace payoutd::payouts {

// Begins the resolving of those whose job was lost: dead, or not in the backup that was restored.
inline constexpr const char* kResolveAllJob = "payouts.resolve_unsettled";

class Resolver {
 public:
  Resolver(const SendingParts& parts, Settler& settler, Sender& sender)
      : parts_(parts), settler_(settler), sender_(sender) {}

  // The payout's own; nothing is done once that is known, and not before the instruction's
  // `next_look_at`, whoever asks and however often.
  // Errors: retry, while it is not known; Stripe's refusal, in its words.
  Result<void> resolve(OrgId organization, PayoutId id);
  // Resolves the payout and, by the same list, all others of its account that are due. `go_on` is
  // asked between them.
  Result<void> resolve_account(OrgId organization, PayoutId id, const std::function<bool()>& go_on);

  // The object of each in Stripe's list, in the order of `all`; nothing where the list lacks it.
  // Errors: as Client::call, and then the list was not whole.
  Result<std::vector<std::optional<SeenObject>>> look_for(std::span<const rails::Instruction> all,
                                                          const std::string& stripe_header);

  // The jobs kResolveJob, kResolveAllJob and mirror::kSettleInstructionJob.
  jobs::Duties duties();

 private:
  enum class Next { nothing, wait, send, look };
  struct Step {
    Next next = Next::nothing;
    std::optional<rails::Instruction> instruction{};
  };
  struct Look {
    Step step;
    Time began{};
    std::optional<SeenObject> seen{};
  };

  Result<void> resolve_with(const Step& own, std::vector<Step> others,
                            const std::function<bool()>& go_on);
  Result<Step> next_step(OrgId organization, PayoutId id);
  std::vector<Step> others_due(const rails::Instruction& own);
  Result<void> decide(const Look& look, const std::string& stripe_header);
  Result<void> send_again(const rails::Instruction& looked_for, const std::string& stripe_header);
  std::optional<rails::Instruction> begin_send(pg::Tx& tx, const rails::Instruction& looked_for,
                                               Time now);
  Result<void> count_absence(const rails::Instruction& instruction, Time began);
  std::chrono::milliseconds until_next_look(OrgId organization, PayoutId id);

  const SendingParts& parts_;
  Settler& settler_;
  Sender& sender_;
};

}  // namespace payoutd::payouts
