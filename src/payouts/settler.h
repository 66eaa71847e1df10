// Writes down what an answer of the rail's, or an object in its list, says of an instruction, over
// all its members. Of the rail it knows nothing but what rails/rail.h promises.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "payouts/payout.h"
#include "payouts/sending.h"
#include "payouts/settlement.h"

namespace payoutd::payouts {

// The result of a send. `refusal` is the rail's, on record with the payout.
struct SendResult {
  rails::SendVerdict verdict = rails::SendVerdict::unknown;
  Error refusal{};
};

// An object that an answer or a list shows.
struct SeenObject {
  std::string object;
  Time sent_at{};  // of the request that showed it
  std::string request_id{};
};

// An instruction and its members, their rows locked in the order of their ids, then its own.
struct LockedInstruction {
  std::vector<Payout> members;
  rails::Instruction instruction;

  // The object by which Stripe shows the payout; nothing while it shows none.
  const OptionalText& named() const { return members.front().stripe_payout_id; }
};
// The latest instruction of the payout; nothing for one that Stripe made by itself.
std::optional<LockedInstruction> lock_instruction(pg::Tx& tx, OrgId organization, PayoutId payout);

class Settler {
 public:
  explicit Settler(const SendingParts& parts) : parts_(parts) {}

  // `sent` is the instruction as it was sent.
  Result<SendResult> settle(const rails::Instruction& sent, const stripe::Answer& answer);

  // Done, or in review where the object is not the payout's own; unknown where it shows nothing.
  Result<rails::SendVerdict> settle_seen(const rails::Instruction& sent, const SeenObject& seen);

  // Plans the next look, and makes the job of the first. That job looks later, too: it waits for
  // the time that stands with the instruction.
  static void look_later(pg::Tx& tx, const rails::Instruction& known, Time now);

 private:
  Result<rails::SendVerdict> settle_recognised(pg::Tx& tx, const LockedInstruction& locked,
                                               const rails::Recognised& shown,
                                               const std::string& request_id);
  void settle_unshown(pg::Tx& tx, const LockedInstruction& locked, rails::SendVerdict verdict,
                      const stripe::Answer& answer);

  const SendingParts& parts_;
};

inline constexpr const char* kResolveJob = "payouts.resolve";  // {payout}
void enqueue_resolve(pg::Tx& tx, OrgId organization, PayoutId payout, Time at);

}  // namespace payoutd::payouts
