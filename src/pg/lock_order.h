// The order in which rows are locked. Two transactions that lock the same rows in different orders
// wait for each other until PostgreSQL ends one of them; in one order they wait in turn.
//
//   batches → payouts, by id → instructions → ledger accounts → jobs
//
// Stripe's own payouts are locked by (organization, account, po_…) where they are mirrored: each is
// the only member of its instruction, so nobody locks two of them by id.
//
// A statement says what it locks where it is declared (pg::Query), and a transaction holds its
// statements to that: a break of the order shows without two transactions that collide.
#pragma once

#include <cstdint>

namespace payoutd::pg {

enum class LockedRows : std::uint8_t {
  none,
  batches,
  payouts,
  instructions,
  ledger_accounts,
  jobs,
};

struct Locks {
  LockedRows rows = LockedRows::none;
  bool again = false;  // rows that its transaction has locked before: it waits for nobody
};

constexpr Locks locks(LockedRows rows) { return {rows, false}; }
constexpr Locks writes_locked(LockedRows rows) { return {rows, true}; }

// What a transaction has locked so far.
class LockOrder {
 public:
  // False where the statement breaks the order: it locks rows after those that come later, or
  // writes rows as locked that are not.
  bool allows(Locks next) const {
    if (next.rows == LockedRows::none) return true;
    if (next.again) return (taken_ & bit(next.rows)) != 0;
    return next.rows >= last_;
  }
  void note(Locks next) {
    if (next.rows == LockedRows::none || next.again) return;
    taken_ |= bit(next.rows);
    if (next.rows > last_) last_ = next.rows;
  }

 private:
  static unsigned bit(LockedRows rows) { return 1U << static_cast<unsigned>(rows); }
  LockedRows last_ = LockedRows::none;
  unsigned taken_ = 0;
};

// What a break of the order does: in service it is logged, since PostgreSQL resolves what comes of
// it; tests have it thrown.
inline bool broken_lock_order_throws = false;

}  // namespace payoutd::pg
