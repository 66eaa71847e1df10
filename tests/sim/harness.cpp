#include "sim/harness.h"

namespace payoutd::sim {
namespace {

void expect_balances(const Account& account) {
  std::map<Currency, Totals> sums;
  for (const Row* row : account.row_list) {
    auto& sum = sums[row->currency];
    (row->available ? sum.available : sum.pending) += row->net();
    std::int64_t fees = 0;
    for (const auto& fee : row->fee_details) fees += fee.amount;
    EXPECT_EQ(fees, row->fee) << row->id;
  }
  for (const auto& [currency, totals] : account.totals) {
    EXPECT_EQ(sums[currency].available, totals.available) << account.id << " " << currency.str();
    EXPECT_EQ(sums[currency].pending, totals.pending) << account.id << " " << currency.str();
  }
}

void expect_payouts(World& world, const Account& account) {
  for (const auto& [id, members] : account.rows_by_payout) {
    const Document& payout = *world.store.find(id);
    std::int64_t whole = 0, without_own = 0;
    for (const Row* row : members) {
      whole += row->net();
      if (row->id != payout.str("balance_transaction")) without_own += row->net();
    }
    EXPECT_EQ(whole, 0) << id;
    EXPECT_EQ(without_own, payout.num("amount")) << id;
  }
}

}  // namespace

void expect_sums(Sim& sim) {
  sim.inspect([](World& world) {
    for (const auto& account : world.store.accounts()) {
      expect_balances(*account);
      expect_payouts(world, *account);
    }
  });
}

}  // namespace payoutd::sim
