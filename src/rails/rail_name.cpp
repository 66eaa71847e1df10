#include "rails/rail_name.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::rails {

std::string_view word_of(RailName rail) {
  switch (rail) {
    case RailName::stripe_payout: return "stripe_payout";
    case RailName::stripe_transfer: return "stripe_transfer";
    case RailName::bank_file: return "bank_file";
    case RailName::manual: return "manual";
  }
  CHECK(false);
}

std::optional<RailName> rail_of(std::string_view word) {
  const auto* found =
      std::ranges::find_if(kRailNames, [&](RailName rail) { return word_of(rail) == word; });
  return found == kRailNames.end() ? std::nullopt : std::optional(*found);
}

}  // namespace payoutd::rails
