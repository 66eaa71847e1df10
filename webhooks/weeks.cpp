#include "webhooks/weeks.h"

#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "webhooks/unknown_store.h"
#include "webhooks/weeks_store.h"

namespace payoutd::webhooks {
namespace {

using std::chrono::days;

constexpr days kWeek{7};
constexpr days kAhead{14};
constexpr int kAtOnceMs = 1'000;

// The lock that dropping takes holds up every delivery behind itself: it is waited for so long at
// most, and never twice in a row.
constexpr int kDropLockMs = 20;
constexpr int kDropTries = 20;
constexpr std::chrono::milliseconds kDropPause{250};

void make_week(pg::Database& db, Time day, int lock_timeout_ms) {
  (void)db.transact([&](pg::Tx& tx) -> Result<void> {
    if (lock_timeout_ms > 0) tx.limit_lock_wait(lock_timeout_ms);
    weeks_store::ensure(tx, day);
    return {};
  });
}

// False: somebody reads the week.
bool try_to_drop(pg::Database& db, Time now, const std::string& name) {
  try {
    (void)db.transact([&](pg::Tx& tx) -> Result<void> {
      tx.limit_lock_wait(kDropLockMs);
      weeks_store::drop_if_old(tx, now, name);
      return {};
    });
    return true;
  } catch (const pg::Busy&) {
    return false;
  }
}

bool drop(pg::Database& db, Time now, const std::string& name) {
  for (int tries = 0; tries < kDropTries; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(kDropPause);
    if (try_to_drop(db, now, name)) return true;
  }
  log::warn("a week of the inbox is in use and stays until the next run", {{"week", name}});
  return false;
}

}  // namespace

void make_weeks(pg::Database& db, Time now) {
  for (Time day = now - kOldestEvent; day <= now + kAhead; day += kWeek) make_week(db, day, 0);
  make_week(db, now + kAhead, 0);
}

void make_week_at_once(pg::Database& db, Time day) { make_week(db, day, kAtOnceMs); }

Result<int> drop_old_weeks(pg::Database& db, Time now) {
  const auto names = db.transact(
      [&](pg::Tx& tx) -> Result<std::vector<std::string>> { return weeks_store::old(tx, now); });
  if (!names) return names.error();
  int dropped = 0;
  for (const std::string& name : *names) dropped += drop(db, now, name) ? 1 : 0;
  auto forgotten = db.transact([&](pg::Tx& tx) -> Result<void> {
    weeks_store::forget(tx, now);
    unknown_store::forget(tx, now);
    return {};
  });
  if (!forgotten) return forgotten.error();
  return dropped;
}

}  // namespace payoutd::webhooks
