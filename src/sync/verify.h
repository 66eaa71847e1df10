// The proof that a mirror is whole: per account and currency the mirrored rows of the payments
// balance sum to Stripe's own balance; per automatic payout its members sum to its amount.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
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
  std::string account, currency;
  CheckState state = CheckState::equal;
  std::int64_t available = 0, pending = 0;  // Stripe's
  std::int64_t found = 0;                   // the sum of `net` over the mirrored rows
  std::int64_t rows = 0;
  Time checked_at{};
  // Once the days were compared, for the first that differs: ids that Stripe has and the mirror has
  // not, that are there and not equal, that Stripe does not have. At most 1,000 each.
  std::optional<pg::Day> first_day{};
  std::vector<std::string> missing{}, altered{}, surplus{};

  std::int64_t expected() const { return available + pending; }
  std::int64_t difference() const { return expected() - found; }
};

struct PayoutCheck {
  std::string account, payout, currency;
  std::int64_t amount = 0;
  std::int64_t found = 0;  // the sum of `net` of its members without its own row
  Time created{};
};

// What the checks need of their surroundings.
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
// kMostLooks times. Stores what came out under `run`. Errors: as Client::call.
inline constexpr int kMostLooks = 6;
Result<std::vector<BalanceCheck>> check_balance(const Verifier& verifier, const Target& target,
                                                std::optional<RunId> run);

// Those whose sums are wrong; they are stored, and earlier ones that are right now forgotten. Looks
// at those that were wrong or whose members were listed since the last time; at all of them where
// `whole` asks for it, and once a week.
Result<std::vector<PayoutCheck>> check_payouts(pg::Database& db, const Target& target, Time now,
                                               bool whole);

// As the last check of each account and currency left it.
struct Completeness {
  std::vector<BalanceCheck> balances;
  std::vector<PayoutCheck> payouts;
};
Result<Completeness> completeness(pg::Database& db, OrgId organization,
                                  const std::optional<std::string>& account);

}  // namespace payoutd::sync
