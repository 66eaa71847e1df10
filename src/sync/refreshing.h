// The second step of an account's run: what no list by `created` and no event tells of is asked for
// by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/account_context.h"

namespace payoutd::sync {

class Refreshing {
 public:
  explicit Refreshing(AccountContext& run) : run_(run) {}

  // `customers_listed_whole` as Listing tells it.
  void refresh(std::optional<Time> customers_listed_whole);

  // False: the rest is not worth trying, which is noted.
  bool list_payout_transactions(std::vector<std::string> payouts);

 private:
  void fetch_unlisted_customers(std::optional<Time> customers_listed_whole);
  void fetch_cut_lists();
  void list_pending_transactions();
  void fetch_due_payouts();
  void list_missing_payout_transactions();
  void fetch(std::string_view stream, const char* type, const std::vector<std::string>& ids);

  AccountContext& run_;
};

}  // namespace payoutd::sync
