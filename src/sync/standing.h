// How all mirrors stand, of every organization together: for whoever runs the installation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "pg/database.h"

namespace payoutd::sync {

struct Difference {
  OrgId organization;
  std::string account;
  Money amount;  // Stripe's balance less the mirrored rows' sum
};

struct Standing {
  // Balances (one per account and currency), as the last check of each found them.
  std::int64_t equal = 0, different = 0, moving = 0;
  std::vector<Difference> differences{};  // the first kMostDifferences
  std::int64_t payouts_unsummed = 0;      // automatic payouts whose transactions do not sum to them
  // Up to when the balance transactions of the active account that is furthest behind are mirrored,
  // or since when it is connected where none are; nothing without accounts.
  std::optional<Time> synced_to{};
  // `synced_to` with the short readings between runs.
  std::optional<Time> fresh_until{};
};
inline constexpr int kMostDifferences = 100;

Standing standing(pg::Tx& tx);

}  // namespace payoutd::sync
