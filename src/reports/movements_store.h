// What moved payments balances, added up: from the mirror's rollups, and at bounds that cut a
// quarter of an hour from the rows themselves, so that any bounds give the exact sums (spans.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/currency.h"
#include "base/ids.h"
#include "base/time.h"
#include "pg/database.h"

namespace payoutd::reports {

// Whose movements, in which currency.
struct Accounts {
  OrgId organization{};
  std::vector<std::string> ids{};
  Currency currency{};
};

// A fee of one kind: how many there were, and their sum (positive: paid).
struct FeeSum {
  std::int64_t count = 0, amount = 0;
  FeeSum& operator+=(const FeeSum& other);
  friend bool operator==(const FeeSum&, const FeeSum&) = default;
};

// The sums of one type and category in one period.
struct Movement {
  std::size_t period = 0;  // counted from 0
  std::string type{}, reporting_category{};
  std::int64_t rows = 0, amount = 0, fee = 0, net = 0;
  // `fee`, taken apart.
  FeeSum stripe{}, application{}, passthrough{}, tax{}, withheld_tax{}, other{};

  Movement& operator+=(const Movement& other_part);  // of the same period, type and category
};

namespace movements_store {

struct AccountCurrency {
  std::string account;
  std::string currency;
};
// Every account and currency that ever had a movement, at most 100,000; of one account or of all.
std::vector<AccountCurrency> currencies(pg::Tx& tx, OrgId organization,
                                        const std::optional<std::string>& account);

enum class Detail {
  sums,  // rows, amount, fee and net alone, of all types of a category together
  fees,  // `fee` taken apart, too
};

// `bounds` ascend, at least two: a period lies between each and the next. Ordered by period, type
// and category; those that come to nothing are left out.
std::vector<Movement> movements(pg::Tx& tx, const Accounts& accounts,
                                const std::vector<Time>& bounds, Detail detail);

// The sum of `net` over all rows created before `before`.
std::int64_t balance_before(pg::Tx& tx, const Accounts& accounts, Time before);

// What the far ends of transfers brought in, by period: payments with a source_transfer, and their
// refunds (negative, as their rows are).
struct FromTransfers {
  std::int64_t count = 0, amount = 0, refunds = 0;
};
std::vector<FromTransfers> from_transfers(pg::Tx& tx, const Accounts& accounts,
                                          const std::vector<Time>& bounds);

// Fee transactions that payouts caused, by their source or their description: Stripe takes its fee
// for instant ones either so or on the payout's own row.
FeeSum payout_fees(pg::Tx& tx, const Accounts& accounts, Time begin, Time end);

}  // namespace movements_store

}  // namespace payoutd::reports
