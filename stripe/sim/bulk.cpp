// Masses of balance transactions for benchmarks.
#include <mutex>

#include "base/check.h"
#include "stripe/sim/sim.h"

namespace payoutd::sim {

void Sim::bulk_balance_transactions(const std::string& account_id, std::size_t count) {
  constexpr std::int64_t kDays = 90, kGross = 32, kFee = 31;
  std::unique_lock lock(mutex_);
  Account* account = world_->store.account(account_id);
  CHECK(account != nullptr);
  const auto usd = *Currency::parse("usd");
  const std::int64_t end = world_->now - 1, start = end - kDays * kDay;
  for (std::size_t i = 0; i < count; ++i) {
    const auto created =
        start + static_cast<std::int64_t>(static_cast<__int128>(i) * (end - start) /
                                          static_cast<__int128>(count));
    Row& row =
        world_->store.add_row(*account, world_->ids.make("txn", created, account->id), created);
    row.amount = kGross;
    row.fee = kFee;
    row.fee_details = {{.amount = kFee}};
    row.currency = usd;
    row.type = row::charge;
    row.available_on = created;
    row.available = true;
  }
  account->totals[usd].available += static_cast<std::int64_t>(count) * (kGross - kFee);
}

}  // namespace payoutd::sim
