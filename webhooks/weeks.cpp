#include "webhooks/weeks.h"

#include <fmt/format.h>

#include <string>
#include <thread>

#include "base/log.h"
#include "webhooks/inbox_store.h"
#include "webhooks/unknown_accounts.h"

namespace payoutd::webhooks {
namespace {

using std::chrono::days;

constexpr days kWeek{7};
constexpr days kAhead{14};
constexpr int kAtOnceMs = 1'000;

// Whoever waits for the lock that dropping takes holds up every delivery behind itself: for so long
// at most, and never twice in a row.
constexpr int kDropLockMs = 20;
constexpr int kDropTries = 20;
constexpr std::chrono::milliseconds kDropPause{250};

// The weeks are picked before their names are read as days: other tables have names of other kinds.
const pg::Query kOldWeeks{"inbox_old_weeks", R"sql(
  WITH weeks AS MATERIALIZED (
    SELECT c.relname AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS monday
      FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
     WHERE h.inhparent = 'inbox'::regclass)
  SELECT name FROM weeks w
   WHERE monday + 7 <= ($1::timestamptz AT TIME ZONE 'UTC')::date - 30
     AND ($2::text IS NULL OR name = $2)
     AND NOT EXISTS (
       SELECT FROM inbox_queue q WHERE (q.created AT TIME ZONE 'UTC')::date >= monday
                                   AND (q.created AT TIME ZONE 'UTC')::date < monday + 7)
     AND NOT EXISTS (
       SELECT FROM inbox_delayed d WHERE (d.created AT TIME ZONE 'UTC')::date >= monday
                                     AND (d.created AT TIME ZONE 'UTC')::date < monday + 7)
   ORDER BY name)sql",
                          pg::Tenancy::global};

const pg::Query kForgetOld{"inbox_forget_old", R"sql(
  WITH failures AS (
    DELETE FROM inbox_failures WHERE failed_at < $1::timestamptz - interval '60 days'
    RETURNING organization_id)
  DELETE FROM inbox_set_aside WHERE received_at < $1::timestamptz - interval '60 days')sql",
                           pg::Tenancy::global};

void make_week(pg::Database& db, Time day, int lock_timeout_ms) {
  (void)db.transact([&](pg::Tx& tx) -> Result<void> {
    if (lock_timeout_ms > 0) {
      tx.exec_unnamed(fmt::format("SET LOCAL lock_timeout = {}", lock_timeout_ms));
    }
    InboxStore::ensure_week(tx, day);
    return {};
  });
}

using Name = std::optional<std::string>;

Result<std::vector<std::string>> old_weeks(pg::Database& db, Time now) {
  return db.transact([&](pg::Tx& tx) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    for (const pg::Row row : tx.exec(kOldWeeks, now, Name{}))
      names.push_back(row.get<std::string>("name"));
    return names;
  });
}

// Looks once more under the lock: an event of the week may have been queued since.
bool try_to_drop(pg::Database& db, Time now, const std::string& name) {
  try {
    (void)db.transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(fmt::format("SET LOCAL lock_timeout = {}", kDropLockMs));
      tx.exec_unnamed("LOCK TABLE \"" + name + "\" IN ACCESS EXCLUSIVE MODE");
      if (tx.exec(kOldWeeks, now, Name(name)).empty()) return {};
      tx.exec_unnamed("DROP TABLE \"" + name + "\"");
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
  const auto names = old_weeks(db, now);
  if (!names) return names.error();
  int dropped = 0;
  for (const std::string& name : *names) dropped += drop(db, now, name) ? 1 : 0;
  auto forgotten = db.transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec(kForgetOld, now);
    forget_unknown(tx, now);
    return {};
  });
  if (!forgotten) return forgotten.error();
  return dropped;
}

}  // namespace payoutd::webhooks
