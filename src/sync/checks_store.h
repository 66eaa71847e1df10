// The SQL of the checks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sync/verify.h"

namespace payoutd::sync::checks_store {

struct Sum {
  Money net;
  std::int64_t rows = 0;
};
using Sums = std::map<Currency, Sum>;
// The sums of the payments balance: from the sums of days, or row by row.
Sums sums(pg::Tx& tx, OrgId organization, std::string_view account, bool row_by_row);

// A balance transaction, as far as it is compared.
struct Row {
  std::string id, type{};
  Money amount{}, fee{}, net{};
  Time created{};
  std::string text{};  // Stripe's, where it comes from there
};
// `created` from `from` to before `until`; at most 100,000.
std::vector<Row> rows_between(pg::Tx& tx, OrgId organization, std::string_view account, Time from,
                              Time until);

void save(pg::Tx& tx, OrgId organization, std::optional<RunId> run, const BalanceCheck& check);
std::vector<BalanceCheck> balances(pg::Tx& tx, OrgId organization,
                                   const std::optional<std::string>& account);

// Whether everything is to be looked at again: once a week.
bool whole_is_due(pg::Tx& tx, OrgId organization, std::string_view account, Time now);

// Compares again what was wrong and what was listed since, or everything (`whole`, and once a
// week); keeps what is wrong now.
std::vector<PayoutCheck> check_payouts(pg::Tx& tx, OrgId organization, std::string_view account,
                                       Time now, bool whole);
std::vector<PayoutCheck> payouts(pg::Tx& tx, OrgId organization,
                                 const std::optional<std::string>& account);

}  // namespace payoutd::sync::checks_store
