// How a payout's money moves: by Stripe to an account's own bank, by Stripe to another account, by
// a bank file, or outside of this program.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace payoutd::rails {

enum class RailName : std::uint8_t { stripe_payout, stripe_transfer, bank_file, manual };

inline constexpr std::array kRailNames{RailName::stripe_payout, RailName::stripe_transfer,
                                       RailName::bank_file, RailName::manual};

// The word in columns and answers: "stripe_payout".
std::string_view word_of(RailName rail);
std::optional<RailName> rail_of(std::string_view word);

}  // namespace payoutd::rails
