// What an answer of Stripe's decides of a payout that was asked for, and the times that this rests
// on.
#pragma once

#include <chrono>

#include "payouts/instructions.h"
#include "stripe/exchange.h"

namespace payoutd::payouts {

// Stripe forgets a key after a day: never sent later.
inline constexpr std::chrono::hours kKeyLife{23};
// No send of a call begins later, so one that began longer ago than kSendTakes is over, whoever
// made it.
inline constexpr std::chrono::seconds kLastStart{120};
inline constexpr std::chrono::seconds kSendTakes{150};
inline constexpr std::chrono::minutes kQuiet{10};       // after it, before a list can prove absence
inline constexpr std::chrono::hours kGiveUp{24 * 7};    // then a person decides
inline constexpr std::chrono::hours kClocksDiffer{24};  // ours from Stripe's, at most

// The pause before the next look at an instruction whose outcome is not known, after `looks` of
// them: 15 s, doubled each time up to two hours, and up to half as long again by `spread` (0 to 1),
// so that what failed together does not come back together.
std::chrono::milliseconds pause_before_look(int looks, double spread);
inline constexpr std::chrono::seconds kFirstLook{15};
inline constexpr std::chrono::hours kLongestPause{2};
// `now` and that pause.
Time next_look(const Instruction& instruction, Time now);

inline constexpr const char* kOutcomeUnknown = "outcome_unknown";
inline constexpr const char* kReplayedError =
    "replayed_error";  // the key answers 500 until it ends
// In review: Stripe has an object that names the payout, of another amount or currency; or a second
// one beside the payout's own.
inline constexpr const char* kAnotherObject = "another_object";
inline constexpr const char* kSecondObject = "second_object";
// Unknown: a success that does not show the payout; its object that could not be written down.
inline constexpr const char* kAnotherAnswer = "another_answer";
inline constexpr const char* kNotKept = "not_kept";

enum class Said {
  done,
  refused,      // definitively not, and never under this key
  not_arrived,  // certainly not yet: the same key is sent later
  unknown,
};

// `sent` is the instruction as it was sent, `known` as it stands now: an answer to one send says
// nothing of another that began meanwhile, unless it is the stored result of the key.
Said what_it_says(const stripe::Answer& answer, const Instruction& sent, const Instruction& known);

// What a success of Stripe's, or an item of its list, is to an instruction.
enum class Match {
  its_payout,
  another_amount,  // it names the payout and the attempt
  nothing,         // of it: no payout, or one that does not name it
};
struct MatchedPayout {
  Match match = Match::nothing;
  std::string stripe_id{};  // unless nothing
};
MatchedPayout match_of(const std::string& object, const Instruction& instruction);

// Stripe has refused it for good: no limit, nothing that may work later.
bool is_refusal(const stripe::Answer& answer);

bool is_settled(const Instruction& instruction);  // done, not_done, needs_review

}  // namespace payoutd::payouts
