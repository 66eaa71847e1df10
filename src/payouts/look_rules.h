// When a payout whose outcome is not known is looked for, and until when it may be sent.
#pragma once

#include <chrono>

#include "rails/instruction.h"

namespace payoutd::payouts {

// Stripe forgets a key after a day: never sent later.
inline constexpr std::chrono::hours kKeyLife{23};
// No send of a call begins later than that after it was allowed, so a call that was allowed longer
// ago than kSendTakes has ended, whoever made it.
inline constexpr std::chrono::seconds kLastStart{120};
inline constexpr std::chrono::seconds kSendTakes{150};
inline constexpr std::chrono::minutes kQuiet{10};     // after a send, before a list proves absence
inline constexpr std::chrono::hours kGiveUp{24 * 7};  // then a person decides
inline constexpr std::chrono::hours kClocksDiffer{24};  // ours from Stripe's, at most

inline constexpr std::chrono::seconds kFirstLook{15};
inline constexpr std::chrono::hours kLongestPause{2};
// The pause before the next look, after `looks` of them: kFirstLook, doubled each time up to
// kLongestPause, and up to half as long again by `spread` (0 to 1), so that what failed together
// does not come back together.
std::chrono::milliseconds pause_before_look(int looks, double spread);

// `now` and that pause.
Time next_look(const rails::Instruction& instruction, Time now);

}  // namespace payoutd::payouts
