// The outcome of an instruction, written down with its payouts: the instruction's state, each
// member's status and the events that tell of it, in one transaction.
//
// `known` is the instruction as it was locked, after its members.
#pragma once

#include <string>

#include "payouts/moves_store.h"
#include "rails/instructions_store.h"

namespace payoutd::payouts::settlement {

using rails::Instruction;

// The codes of what is not known, or needs a person. They are stored, and shown to people.
inline constexpr const char* kOutcomeUnknown = "outcome_unknown";
inline constexpr const char* kNeedsReview = "needs_review";
inline constexpr const char* kReplayedError =
    "replayed_error";  // the key answers 500 until it ends
// In review: Stripe has an object that names the payout, of another amount or currency; or a second
// one beside the payout's own; or one of an instruction that was settled as not done.
inline constexpr const char* kAnotherObject = "another_object";
inline constexpr const char* kSecondObject = "second_object";
inline constexpr const char* kDoneAfterNotDone = "done_after_not_done";
// Unknown: a success that does not show the payout; its object that could not be written down.
inline constexpr const char* kAnotherAnswer = "another_answer";
inline constexpr const char* kNotKept = "not_kept";

struct Why {
  std::string code{};     // the rail's own word, or one of the above
  std::string message{};  // for people
};

// Another send of the same bytes begins. A send or an outcome that repeats the one before is no
// event of its own: `sends` counts them.
void sending(pg::Tx& tx, const Instruction& known, Time now);

// The rail took it. Where it was settled as not done, this is a finding: it goes to review.
void done(pg::Tx& tx, const Instruction& known, const std::string& stripe_id,
          const std::string& request_id, Time now);
// The rail has definitively not paid: the payouts fail with the reason.
void not_done(pg::Tx& tx, const Instruction& known, const Why& why, Time now);
// The request certainly never arrived: the same key is sent later.
void not_arrived(pg::Tx& tx, const Instruction& known, const std::string& message, Time now);
void unknown(pg::Tx& tx, const Instruction& known, const Why& why, Time now);
// A complete list that began at `at` does not show it.
void absent(pg::Tx& tx, const Instruction& known, Time at, Time now);
void needs_review(pg::Tx& tx, const Instruction& known, const Why& why, Time now);

struct Decision {
  std::string actor, reason;
};
// A person has found that the rail has not paid it: the payouts fail.
void not_paid(pg::Tx& tx, const Instruction& known, const Decision& decision, Time now);
// Before anything was sent, or where it certainly never arrived.
void canceled(pg::Tx& tx, const Instruction& known, const std::string& actor, Time now);

// When it is looked into next, after that many looks; the payouts show that as next_attempt_at.
void plan(pg::Tx& tx, const Instruction& known, std::int32_t looks, Time next);

}  // namespace payoutd::payouts::settlement
