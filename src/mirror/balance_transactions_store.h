// The SQL that writes balance transactions; balance_transactions.h reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/money.h"
#include "mirror/set.h"

namespace payoutd::mirror::balance_transactions_store {

struct Transaction {
  Money amount, net, fee;  // of one currency
  std::string type, reporting_category, status, balance_type;
  std::optional<std::string> source, description;
  Time available_on{}, created{};
  std::optional<Decimal> exchange_rate;
  JsonText fee_details;
  std::string payout;  // that it was listed for; not a column of Stripe's
};

inline constexpr auto kColumns =
    std::tuple{PartColumn{"amount", &Transaction::amount, &Money::minor},
               PartColumn{"net", &Transaction::net, &Money::minor},
               PartColumn{"fee", &Transaction::fee, &Money::minor},
               PartColumn{"currency", &Transaction::amount, &Money::currency},
               Column{"type", &Transaction::type},
               Column{"reporting_category", &Transaction::reporting_category},
               Column{"status", &Transaction::status},
               Column{"balance_type", &Transaction::balance_type},
               Column{"source_id", &Transaction::source},
               Column{"description", &Transaction::description},
               Column{"available_on", &Transaction::available_on},
               Column{"created", &Transaction::created},
               Column{"exchange_rate", &Transaction::exchange_rate},
               Column{"fee_details", &Transaction::fee_details}};

// Inserts and updates; `entries` are sorted by key, one each. Returns account, stripe_id and
// whether the row is new, of those that were written, in their order.
pg::Rows upsert(pg::Tx& tx, const std::vector<Entry<Transaction>>& entries);

// Which payout a list named for a row, and when it did.
struct SettledBy {
  std::int64_t shown_at;
  std::string payout;
  auto operator<=>(const SettledBy&) const = default;
};
void join_payouts(pg::Tx& tx, const std::map<Key, SettledBy>& settled_by);

}  // namespace payoutd::mirror::balance_transactions_store
