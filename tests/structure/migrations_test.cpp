// What a migration may do to a table that is large and in use: nothing that reads, writes or locks
// all of it at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cctype>
#include <chrono>
#include <memory>
#include <regex>
#include <set>
#include <thread>

#include "pg/connection.h"
#include "pg/migrate.h"
#include "pg/steps.h"
#include "structure/filled.h"
#include "support/database.h"
#include "support/explain.h"
#include "support/queries.h"

namespace payoutd {
namespace {

constexpr const char* kLargeTable =
    "(?:payouts|payout_events|instructions|instruction_payouts|balance_transactions|charges|refunds"
    "|payment_intents|customers|subscriptions|transfers|application_fees|disputes|balance_rollups"
    "|inbox|inbox_queue|inbox_failures|inbox_set_aside|jobs|idempotency_keys)";

// Where the quoted text that begins at `at` ends, or `at`. A DO block's text is code.
std::size_t past_quoted(const std::string& sql, std::size_t at) {
  static const std::regex kDollar(R"(\$\w*\$)");
  const auto past = [&](const std::string& end, std::size_t from) {
    const auto found = sql.find(end, from);
    return found == std::string::npos ? sql.size() : found + end.size();
  };
  if (sql.compare(at, 2, "--") == 0) return past("\n", at);
  if (sql.compare(at, 2, "/*") == 0) return past("*/", at + 2);
  if (sql[at] == '\'') return past("'", at + 1);
  std::smatch mark;
  if (!std::regex_search(sql.begin() + static_cast<std::ptrdiff_t>(at), sql.end(), mark, kDollar,
                         std::regex_constants::match_continuous)) {
    return at;
  }
  return past(mark.str(), at + mark.str().size());
}

// The statements, in capitals but for names, blanks made one, without comments and texts. The
// bodies of functions are texts; those of DO blocks are given as one statement each.
std::vector<std::string> statements_of(const std::string& sql) {
  std::vector<std::string> all{""};
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t next = past_quoted(sql, at);
    if (next == at) {
      const char c = sql[at++];
      if (c == ';') all.emplace_back();
      else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        all.back() += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      } else if (!all.back().empty() && all.back().back() != ' ') all.back() += ' ';
      continue;
    }
    if (sql[at] == '$' && all.back().starts_with("DO ")) {
      const std::size_t mark = sql.find('$', at + 1) - at + 1;
      std::string body = sql.substr(at + mark, next - at - 2 * mark);
      for (const std::string& inner : statements_of(body)) all.back() += inner + "; ";
    } else if (!all.back().empty() && all.back().back() != ' ') all.back() += ' ';
    at = next;
  }
  return all;
}

// Each makes a table wait for all of its rows, or takes from older programs what they use.
const std::vector<std::pair<std::regex, const char*>>& refused() {
  const auto about = [](const std::string& text) {
    std::string pattern = text;
    for (std::size_t at; (at = pattern.find("LARGE")) != std::string::npos;) {
      pattern.replace(at, 5, std::string("(") + kLargeTable + ")\\b");
    }
    return std::regex(pattern, std::regex::icase);
  };
  static const std::vector<std::pair<std::regex, const char*>> all{
      {about("^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON (?!ONLY)LARGE"),
       "builds an index that is not CONCURRENTLY"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE.* SET NOT NULL"), "looks at every row"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE.* (?:TYPE|SET LOGGED|SET UNLOGGED)\\b"),
       "writes every row"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE (?!.*NOT VALID)(?!.*USING INDEX)"
             ".*\\b(?:ADD CONSTRAINT|PRIMARY KEY|UNIQUE|REFERENCES|CHECK)\\b"),
       "adds a constraint that is not NOT VALID"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE.*\\bADD\\b.*"
             "(?:DEFAULT [A-Z_.]+ ?\\(|GENERATED)"),
       "has a default to be reckoned for every row"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE (?!.*DEFAULT).*\\bADD\\b.*NOT NULL"),
       "adds a column that older programs leave out"},
      {about("^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?LARGE.*\\b(?:DROP COLUMN|RENAME)"),
       "takes a column from older programs"},
      {about("^(?:WITH .*)?(?:UPDATE (?:ONLY )?|DELETE FROM (?:ONLY )?)LARGE"), "writes many rows"},
      {about("^INSERT INTO .* (?:FROM|JOIN) (?:ONLY )?LARGE"), "copies many rows"},
      {about("^CREATE (?:TABLE|MATERIALIZED VIEW) .* AS .*FROM LARGE"), "copies many rows"},
      {about("\\bREBUILD_BALANCE_ROLLUPS ?\\( ?\\)(?! RETURNS)"), "adds up all rows at once"},
      {about("^(?:LOCK|TRUNCATE|CLUSTER)\\b(?: TABLE)?(?: ONLY)? LARGE"), "locks the table"},
      {about("^(?:VACUUM|REINDEX (?!.*CONCURRENTLY)).*LARGE"), "locks the table"},
      // In a DO block: what is not committed a piece at a time.
      {about("^DO (?!.*\\bCOMMIT\\b).*\\b(?:UPDATE|DELETE FROM) LARGE"),
       "writes many rows at once"}};
  return all;
}

std::vector<std::string> faults_of_migration(std::string_view sql) {
  std::vector<std::string> parts{std::string(sql)};
  if (pg::in_steps(sql)) {
    const auto steps = pg::steps_of(sql);
    if (!steps) return {steps.error().message};
    parts.clear();
    for (const pg::Step& step : *steps) parts.push_back(step.sql);
  }
  static const std::regex kMade("^CREATE TABLE (?:IF NOT EXISTS )?(\\w+)");
  std::set<std::string> made;
  std::vector<std::string> faults;
  for (const std::string& part : parts) {
    for (const std::string& statement : statements_of(part)) {
      std::smatch table;
      if (std::regex_search(statement, table, kMade)) made.insert(table[1]);
      for (const auto& [pattern, why] : refused()) {
        if (!std::regex_search(statement, table, pattern)) continue;
        if (table.size() > 1 && made.contains(table[1])) continue;
        faults.push_back(fmt::format("{}: {}", why, statement.substr(0, 120)));
      }
    }
  }
  return faults;
}

TEST(LargeTables, StayWritableUnderEveryMigration) {
  for (const pg::Migration& one : pg::migrations()) {
    if (one.number <= 7) continue;  // there were no large tables yet
    for (const std::string& fault : faults_of_migration(one.sql)) {
      ADD_FAILURE() << one.number << " " << one.name << " " << fault;
    }
  }
}

TEST(LargeTables, MayNotBeTouchedLikeThis) {
  for (const char* sql :
       {"CREATE INDEX x ON payouts (id);",
        "create unique index x on charges (id)",
        "ALTER TABLE payouts ALTER COLUMN note SET NOT NULL",
        "ALTER TABLE payouts ADD COLUMN n text, ALTER COLUMN amount TYPE numeric",
        "ALTER TABLE charges ADD CONSTRAINT c CHECK (amount > 0)",
        "ALTER TABLE charges ADD COLUMN c bigint REFERENCES payouts",
        "ALTER TABLE jobs ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()",
        "ALTER TABLE jobs ADD COLUMN word text NOT NULL",
        "ALTER TABLE jobs RENAME kind TO sort",
        "ALTER TABLE jobs DROP COLUMN kind",
        "UPDATE payouts SET amount = 1 -- COMMIT",
        "DELETE FROM inbox",
        "INSERT INTO sums SELECT account FROM balance_transactions",
        "SELECT rebuild_balance_rollups()",
        "LOCK TABLE payouts IN SHARE MODE",
        "DO $$ BEGIN UPDATE payouts SET amount = 1; END $$",
        "REINDEX TABLE payouts",
        "-- in steps\n-- step\nCREATE INDEX IF NOT EXISTS x ON payouts (id)",
        "-- in steps\n-- step\nUPDATE payouts SET amount = 1",
        "-- in steps\n-- step\nALTER TABLE payouts ALTER COLUMN note SET NOT NULL"}) {
    EXPECT_EQ(faults_of_migration(sql).size(), 1u) << sql;
  }
}

TEST(LargeTables, MayBeTouchedLikeThis) {
  for (const char* sql :
       {"CREATE TABLE payouts (id int); CREATE INDEX x ON payouts (id); UPDATE payouts SET id = 1;",
        "ALTER TABLE payouts ADD COLUMN note text, ADD COLUMN n int NOT NULL DEFAULT 0",
        "ALTER TABLE payouts ADD CONSTRAINT c CHECK (amount > 0) NOT VALID",
        "CREATE INDEX small ON organizations (name)",
        "/* UPDATE payouts */ SELECT 'LOCK TABLE jobs'",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE payouts SET amount = 1 $$",
        "-- in steps\n-- step\nCREATE INDEX CONCURRENTLY IF NOT EXISTS x ON payouts (id)",
        "-- in steps\n-- step\nCREATE INDEX IF NOT EXISTS x ON ONLY inbox (created)",
        "-- in steps\n-- step\nALTER TABLE payouts VALIDATE CONSTRAINT c",
        "-- in steps\n-- step\nDO $$ BEGIN LOOP UPDATE payouts SET amount = 1 WHERE id = 1;"
        " EXIT WHEN NOT FOUND; COMMIT; END LOOP; END $$"}) {
    EXPECT_EQ(faults_of_migration(sql), std::vector<std::string>{}) << sql;
  }
}

// A database as it was before, full of data.
struct FilledMigrations : testing::Test {
  FilledMigrations() : name_(support::create_database(false)) {
    migrate_to(url(), 7);
    fill(url());
  }
  ~FilledMigrations() override { support::drop_database(name_); }

  Secret url() const { return support::server().url(name_); }
  std::unique_ptr<pg::Connection> session() const {
    return pg::Connection::open(
        {.url = url(), .application_name = "test", .lock_timeout_ms = 20'000},
        std::chrono::steady_clock::now() + std::chrono::seconds{20});
  }

  std::string name_;
};

std::string first(const pg::RawResult& rows) {
  return PQntuples(rows.get()) == 0 ? "" : PQgetvalue(rows.get(), 0, 0);
}

// As a writer does.
constexpr const char* kWriteEverywhere =
    "LOCK TABLE payouts, payout_events, instructions, instruction_payouts, balance_transactions,"
    " balance_rollups, charges, refunds, payment_intents, disputes, customers, subscriptions,"
    " transfers, application_fees, inbox, inbox_queue, inbox_failures, jobs, idempotency_keys"
    " IN ROW EXCLUSIVE MODE";

// How many rows each table has, and a sum of what has an amount.
constexpr const char* kContents = R"sql(
  SELECT string_agg(c.relname || ' ' || (xpath('//n/text()', query_to_xml(format(
           'SELECT count(*) || '' '' || %s AS n FROM %I',
           CASE WHEN EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attname = 'amount')
                THEN 'coalesce(sum(amount), 0)' ELSE '0' END, c.relname), false, true, '')))[1]::text,
           E'\n' ORDER BY c.relname)
    FROM pg_class c
   WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.oid IN
         (SELECT oid FROM before_migrations))sql";

// The migration's waits while a writer is in the middle of a transaction. Writers overlap, so that
// no lock that would keep them out slips by.
TEST_F(FilledMigrations, KeepDataAndLetWritersIn) {
  const auto observer = session();
  observer->command(
      "CREATE TABLE before_migrations AS SELECT oid FROM pg_class WHERE relkind IN ('r', 'p')"
      " AND relnamespace = 'public'::regnamespace AND relname <> 'schema_migrations'");
  const std::string before = first(observer->command(kContents));
  std::atomic<bool> finished = false;
  std::jthread migrates;  // ends after the writers, for which it waits
  std::array writers{session(), session()};
  writers[0]->command("BEGIN");
  writers[0]->command(kWriteEverywhere);
  migrates = std::jthread([&] {
    const auto done = pg::migrate({.url = url(), .table_lock_ms = 50, .table_lock_tries = 1'000});
    EXPECT_TRUE(done.ok()) << (done ? "" : done.error().message);
    finished = true;
  });
  std::set<std::string> strong;
  for (std::size_t i = 0; !finished; i = 1 - i) {
    // Waits for one, or is at work.
    std::string waiting;
    while (!finished && waiting.empty()) {
      waiting = first(observer->command(
          "SELECT l.locktype || ' ' || coalesce(l.relation::regclass::text, '') || ' ' || l.mode"
          "  FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
          " AND a.application_name = 'payoutd migrate' AND a.datname = current_database()"
          " LIMIT 1"));
    }
    // A lock on the table itself it gets between two writers only.
    const bool on_table = waiting.starts_with("relation ");
    if (on_table) {
      // Adding a column takes the whole table, for a moment; what is more is told by its statement.
      if (!waiting.ends_with(" AccessExclusiveLock")) strong.insert(waiting);
      writers[i]->command("COMMIT");
    }
    writers[1 - i]->command("BEGIN");
    writers[1 - i]->command(kWriteEverywhere);  // throws when it is kept out
    if (!on_table) writers[i]->command("COMMIT");
    if (finished) writers[1 - i]->command("COMMIT");
  }
  migrates.join();
  // Of the parent alone, for a moment.
  strong.erase("relation inbox ShareLock");
  strong.erase("relation payout_events ShareRowExclusiveLock");  // its triggers
  EXPECT_EQ(strong, std::set<std::string>{});
  EXPECT_EQ(first(observer->command(kContents)), before);
  EXPECT_EQ(first(observer->command("SELECT count(*) FROM pg_index WHERE NOT indisvalid")), "0");
  EXPECT_EQ(support::faults_of_queries(url()), std::vector<std::string>{});
}

}  // namespace
}  // namespace payoutd
