// The last step of an account's run: the proof that its mirror is whole. Where it is not, the first
// day and the rows that differ are found, and with `repair` mended.
#pragma once

#include <vector>

#include "sync/account_context.h"
#include "sync/refreshing.h"
#include "sync/verify.h"

namespace payoutd::sync {

class Proving {
 public:
  Proving(AccountContext& run, Refreshing& refreshing) : run_(run), refreshing_(refreshing) {}

  void prove();

 private:
  void check_payout_sums();
  void compare_row_by_row(std::vector<BalanceCheck>& checks);
  Result<void> list_new_transactions();

  AccountContext& run_;
  Refreshing& refreshing_;
};

}  // namespace payoutd::sync
