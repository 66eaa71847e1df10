// Balance transactions and the balances they sum to. The identity that holds after every function:
// per account and currency, available + pending is the sum of `net` over all rows, and each part
// the sum over the rows with that status.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stripe/sim/world/world.h"

namespace payoutd::sim {

struct Posting {
  RowType type{};
  std::int64_t amount = 0;  // gross, signed, minor units
  Currency currency{};
  std::int64_t available_on = 0;  // 0: at once
  std::string source{};
  std::string description{};
  std::vector<FeeDetail> fees{};
  std::int64_t rate_millionths = 0;
};

Row& post(World& world, Account& account, Posting posting);

// Flips rows to available, and tells of it (`balance.available`) where that is more than it was.
void settle(World& world, const std::vector<std::pair<Account*, Row*>>& due);

std::int64_t available(const Account& account, Currency currency);

// GET /v1/balance.
OrderedJson balance_object(World& world, const Account& account);

// Converts by the simulated rate, half up. The rate is 0 where the currencies are the same.
struct Converted {
  std::int64_t amount = 0;
  std::int64_t rate_millionths = 0;
};
Converted convert(std::int64_t amount, Currency from, Currency to);

}  // namespace payoutd::sim
