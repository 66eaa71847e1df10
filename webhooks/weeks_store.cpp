#include "webhooks/weeks_store.h"

#include <optional>

namespace payoutd::webhooks::weeks_store {
namespace {

const pg::Query kEnsure{"inbox_ensure_week", R"sql(
  SELECT inbox_ensure_week(($1::timestamptz AT TIME ZONE 'UTC')::date))sql",
                        pg::Tenancy::global};

// The weeks are picked before their names are read as days: other tables have names of other kinds.
const pg::Query kOld{"inbox_old_weeks", R"sql(
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

const pg::Query kForget{"inbox_forget_old", R"sql(
  WITH failures AS (
    DELETE FROM inbox_failures WHERE failed_at < $1::timestamptz - interval '60 days'
    RETURNING organization_id)
  DELETE FROM inbox_set_aside WHERE received_at < $1::timestamptz - interval '60 days')sql",
                        pg::Tenancy::global};

using Name = std::optional<std::string>;

}  // namespace

void ensure(pg::Tx& tx, Time day) { tx.exec(kEnsure, day); }

std::vector<std::string> old(pg::Tx& tx, Time now) {
  std::vector<std::string> names;
  for (const pg::Row row : tx.exec(kOld, now, Name{}))
    names.push_back(row.get<std::string>("name"));
  return names;
}

void drop_if_old(pg::Tx& tx, Time now, const std::string& name) {
  tx.exec_unnamed("LOCK TABLE \"" + name + "\" IN ACCESS EXCLUSIVE MODE");
  if (tx.exec(kOld, now, Name(name)).empty()) return;
  tx.exec_unnamed("DROP TABLE \"" + name + "\"");
}

void forget(pg::Tx& tx, Time now) { tx.exec(kForget, now); }

}  // namespace payoutd::webhooks::weeks_store
