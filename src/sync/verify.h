// The proof that a mirror is whole: per account and currency the mirrored rows of the payments
// balance sum to Stripe's own balance; per automatic payout its transactions sum to its amount.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/money.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "sync/lister.h"

namespace payoutd::sync {

enum class CheckState {
  equal,
  different,  // although the balance stood still while the rows were read
  moving,     // it never stood still; the next check may find it so
};
std::string_view name_of(CheckState state);

struct BalanceCheck {
  std::string account;
  CheckState state = CheckState::equal;
  Money available, pending;  // Stripe's
  Money found;               // the sum of `net` over the mirrored rows
  std::int64_t rows = 0;
  Time checked_at{};
  // Once the days were compared, for the first that differs: ids that Stripe has and the mirror has
  // not, that are there and not equal, that Stripe does not have. At most 1,000 each.
  std::optional<pg::Day> first_day{};
  std::vector<std::string> missing{}, altered{}, surplus{};

  Currency currency() const { return found.currency; }
  Money expected() const { return available + pending; }
  Money difference() const { return expected() - found; }
};

struct PayoutCheck {
  std::string account, payout;
  Money amount;
  Money found;  // the sum of `net` of its transactions without its own row
  Time created{};
};

// The surroundings of a check.
struct Verifier {
  pg::Database& db;
  stripe::Client& client;
  const Clock& clock;
  // Reads what Stripe's list has and the mirror may lack: called between two looks at the balance.
  std::function<Result<void>()> refresh;
  // Adds up every row; else the sums of days, which triggers keep.
  bool row_by_row = false;
};

// Looks at Stripe's balance, refreshes, looks again, and compares; repeated while it moves, at most
// kMostLooks times. Stores what came out under `run`. Errors: as Client::call; upstream
// `currency_unreadable` for a balance in what is no currency code.
inline constexpr int kMostLooks = 6;
Result<std::vector<BalanceCheck>> check_balance(const Verifier& verifier, const Target& target,
                                                std::optional<RunId> run);

// Returns the payouts whose sums are wrong; they are stored, and earlier ones that are right by now
// forgotten. Looks at the payouts that were wrong and at those whose transactions were listed since
// the last time; at all of them where `whole` asks for it, and once a week.
Result<std::vector<PayoutCheck>> check_payouts(pg::Database& db, const Target& target, Time now,
                                               bool whole);

// The result of the last check of each account and currency.
struct Completeness {
  std::vector<BalanceCheck> balances;
  std::vector<PayoutCheck> payouts;
};
Result<Completeness> completeness(pg::Database& db, OrgId organization,
                                  const std::optional<std::string>& account);

}  // namespace payoutd::sync
