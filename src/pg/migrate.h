// Brings a database to the program's schema: numbered SQL files, forward only, each in a
// transaction of its own or in steps. Several instances may start at once: one migrates, the others
// wait for it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace payoutd::pg {

// migrations/0007_payouts.sql is {7, "payouts", its text}. The text may hold many statements and no
// BEGIN or COMMIT, nor what can't run in a transaction.
//
// What would lock a large table for long goes in steps instead. The file's first line begins
// "-- in steps"; after each line that begins "-- step" stands one statement, which is sent by
// itself, outside a transaction: CREATE INDEX CONCURRENTLY, or a DO block that commits after each
// few thousand rows. After "-- step of each" stands a SELECT of such statements, one a row: what is
// done to each partition. A file that broke off begins again at its first step, so every step must
// be repeatable; an index that was left unfinished is dropped first. A file with a step that is
// empty, that holds two statements, or that builds an index without IF NOT EXISTS is refused.
struct Migration {
  int number = 0;
  std::string_view name;
  std::string_view sql;
};

// The program's own, in order; the build puts them in.
const std::vector<Migration>& migrations();

struct MigrationStep {
  int number = 0;  // 0 while waiting for another instance
  std::string name;
  int position = 0;     // 1 of `count`
  int count = 0;        // migrations that were missing at the start
  int duration_ms = 0;  // 0 when it begins, else it ended
};

struct MigrateOptions {
  Secret url;
  const std::vector<Migration>* migrations = &payoutd::pg::migrations();
  int wait_ms = 600'000;  // for another instance that migrates
  // Who waits longer for a lock gives way for as long, and is repeated: others wait behind it. All
  // tries together outlast the longest statement of the service.
  int table_lock_ms = 1'000;
  int table_lock_tries = 60;
  int connect_ms = 30'000;
  std::function<void(const MigrationStep&)> progress = [](const MigrationStep&) {};
  // Told the newest file of a database that a later program has migrated already.
  std::function<void(const std::string& newest)> ahead = [](const std::string&) {};
};

// How many were applied. What is recorded and applied is `schema_migrations`, with checksums.
// A database that a later program has migrated is as good: new schemas serve the programs before
// them. Errors (refused): `migration_edited`, an applied file has another text now;
// `migration_unknown`, the database has one among this program's that it doesn't know;
// `migration_order`, one that is missing is older than one that is applied, or two have one number;
// `migration_failed`, with the file and PostgreSQL's words: that file left nothing behind (one in
// steps: the steps that it got to), those before it stay. Error (retry): `migration_busy`. Throws
// Lost.
Result<int> migrate(const MigrateOptions& options);

// Whether the database has all of this program's schema; the same errors, and retry
// `migration_missing` where migrate() has work to do. Throws Lost and Busy.
Result<void> check_migrated(const MigrateOptions& options);

}  // namespace payoutd::pg
