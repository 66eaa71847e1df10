#include "pg/migrate.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "pg/connection.h"
#include "pg/steps.h"

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kLock = 0x7061796f757464;  // "payoutd"

struct Applied {
  std::string name;
  std::string checksum;
};

// A checkout with other line ends is the same file.
std::string checksum(std::string_view text) {
  std::string lines(text);
  std::erase(lines, '\r');
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(lines.data()), lines.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string file_name(int number, std::string_view name) {
  return fmt::format("{:04}_{}.sql", number, name);
}

Error refusal(const char* code, std::string message) {
  return Error{Kind::refused, code, std::move(message)};
}

std::unique_ptr<Connection> connect(const MigrateOptions& options) {
  return Connection::open({.url = options.url,
                           .application_name = "payoutd migrate",
                           .lock_timeout_ms = options.table_lock_ms},
                          steady_clock::now() + milliseconds{options.connect_ms});
}

std::string text_at(const RawResult& rows, int row, int column) {
  return PQgetvalue(rows.get(), row, column);
}

// Asks again and again: a statement that waited for the lock would hold back every vacuum and every
// index that is built concurrently.
bool take_lock(Connection& connection, const MigrateOptions& options) {
  const auto deadline = steady_clock::now() + milliseconds{options.wait_ms};
  const std::string ask = fmt::format("SELECT pg_try_advisory_lock({})", kLock);
  for (bool told = false; text_at(connection.command(ask), 0, 0) != "t"; told = true) {
    if (steady_clock::now() > deadline) return false;
    if (!told) options.progress({});
    std::this_thread::sleep_for(milliseconds{20});
  }
  return true;
}

std::map<int, Applied> read_applied(Connection& connection) {
  std::map<int, Applied> applied;
  const auto there = connection.command("SELECT to_regclass('schema_migrations') IS NOT NULL");
  if (text_at(there, 0, 0) != "t") return applied;
  const auto rows = connection.command("SELECT number, name, checksum FROM schema_migrations");
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    applied[std::stoi(text_at(rows, row, 0))] = {text_at(rows, row, 1), text_at(rows, row, 2)};
  }
  return applied;
}

Result<std::map<int, Migration>> by_number(const std::vector<Migration>& all) {
  std::map<int, Migration> ours;
  for (const Migration& one : all) {
    const auto [place, added] = ours.emplace(one.number, one);
    if (!added) {
      return refusal("migration_order",
                     fmt::format("{} and {} have one number", file_name(one.number, one.name),
                                 file_name(one.number, place->second.name)));
    }
  }
  return ours;
}

// Those that are missing, oldest first.
Result<std::vector<Migration>> missing(const std::map<int, Applied>& applied,
                                       const MigrateOptions& options) {
  const auto ours = by_number(*options.migrations);
  if (!ours) return ours.error();
  std::string ahead;
  for (const auto& [number, theirs] : applied) {
    const auto found = ours->find(number);
    if (ours->empty() || number > ours->rbegin()->first) {
      ahead = file_name(number, theirs.name);
      continue;
    }
    if (found == ours->end()) {
      return refusal("migration_unknown",
                     fmt::format("the database has {}, which this program doesn't know, though it "
                                 "knows later ones: run the version of payoutd that made it",
                                 file_name(number, theirs.name)));
    }
    if (checksum(found->second.sql) != theirs.checksum || found->second.name != theirs.name) {
      return refusal(
          "migration_edited",
          fmt::format("{} was edited after it was applied as {}: a landed migration "
                      "never changes, write another one",
                      file_name(number, found->second.name), file_name(number, theirs.name)));
    }
  }
  std::vector<Migration> todo;
  for (const auto& [number, one] : *ours) {
    if (applied.contains(number)) continue;
    if (!applied.empty() && number < applied.rbegin()->first) {
      const auto& [last, theirs] = *applied.rbegin();
      return refusal("migration_order",
                     fmt::format("{} was never applied, and the database is already at {}: give it "
                                 "a higher number",
                                 file_name(number, one.name), file_name(last, theirs.name)));
    }
    todo.push_back(one);
  }
  if (!ahead.empty()) options.ahead(ahead);
  return todo;
}

void record(Connection& connection, const Migration& one, steady_clock::time_point started) {
  const auto ms = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started).count();
  connection.command(
      fmt::format("INSERT INTO schema_migrations (number, name, checksum, duration_ms) "
                  "VALUES ({}, '{}', '{}', {})",
                  one.number, one.name, checksum(one.sql), ms));
}

Error failed(const Migration& one, std::string_view why) {
  return refusal("migration_failed", fmt::format("{}: {}", file_name(one.number, one.name), why));
}

// Runs `work` until no lock stands in its way. Between tries it pauses as long as others may have
// waited behind it.
Result<void> give_way(Connection& connection, const Migration& one, const MigrateOptions& options,
                      const std::function<void()>& work) {
  for (int tries = 1;; ++tries) {
    const bool last = tries == options.table_lock_tries;
    try {
      work();
      return {};
    } catch (const SqlError& error) {
      connection.rollback();
      return failed(one, error.what());
    } catch (const Busy& error) {
      connection.rollback();
      if (last || error.sqlstate != "55P03") return failed(one, error.what());
    } catch (const Conflict& error) {
      connection.rollback();
      if (last) return failed(one, error.what());
    }
    std::this_thread::sleep_for(milliseconds{options.table_lock_ms});
  }
}

// A CREATE INDEX CONCURRENTLY that broke off leaves an index that no query uses and every write
// pays for; a unique one even refuses rows.
void drop_unfinished(Connection& connection, const std::string& index) {
  if (index.empty()) return;
  const auto found = connection.command(fmt::format(
      "SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname)"
      "  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
      "  JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE NOT i.indisvalid AND n.nspname = current_schema() AND c.relname = $name${}$name$",
      index));
  for (int row = 0; row < PQntuples(found.get()); ++row) connection.command(text_at(found, row, 0));
}

// A step that fails for good takes its unfinished index with it.
Result<void> run_step(Connection& connection, const Migration& one, const Step& step,
                      const MigrateOptions& options) {
  const int lock_ms = step.concurrent ? 0 : options.table_lock_ms;
  connection.command(fmt::format("SET lock_timeout = {}", lock_ms));
  const auto done = give_way(connection, one, options, [&] {
    drop_unfinished(connection, step.index);
    connection.command(step.sql);
  });
  if (done) return done;
  const auto dropped =
      give_way(connection, one, options, [&] { drop_unfinished(connection, step.index); });
  if (dropped) return done;
  return failed(one, fmt::format("{}; the index {} is left unfinished: {}", done.error().message,
                                 step.index, dropped.error().message));
}

// The statements that a "step of each" selects.
Result<std::vector<Step>> each_of(Connection& connection, const Step& step) {
  std::vector<Step> each;
  const auto rows = connection.command(step.sql);
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    auto one = step_of(text_at(rows, row, 0));
    if (!one) return one.error();
    each.push_back(*std::move(one));
  }
  return each;
}

// Each statement by itself, outside a transaction.
Result<void> apply_steps(Connection& connection, const Migration& one,
                         const MigrateOptions& options, steady_clock::time_point started) {
  const auto steps = steps_of(one.sql);
  if (!steps) return failed(one, steps.error().message);
  for (const Step& step : *steps) {
    std::vector<Step> todo{step};
    if (step.of_each) {
      Result<std::vector<Step>> each = std::vector<Step>{};
      auto asked = give_way(connection, one, options, [&] { each = each_of(connection, step); });
      if (!asked) return asked;
      if (!each) return failed(one, each.error().message);
      todo = *std::move(each);
    }
    for (const Step& each : todo) {
      if (auto done = run_step(connection, one, each, options); !done) return done;
    }
  }
  connection.command(fmt::format("SET lock_timeout = {}", options.table_lock_ms));
  return give_way(connection, one, options, [&] { record(connection, one, started); });
}

// The record and the file's statements stand or fall together.
Result<void> apply(Connection& connection, const Migration& one, const MigrateOptions& options) {
  const auto started = steady_clock::now();
  if (in_steps(one.sql)) return apply_steps(connection, one, options, started);
  return give_way(connection, one, options, [&] {
    connection.command("BEGIN");
    connection.command(std::string(one.sql));
    record(connection, one, started);
    connection.commit();
  });
}

Result<int> apply_all(Connection& connection, const MigrateOptions& options) {
  const auto todo = missing(read_applied(connection), options);
  if (!todo) return todo.error();
  if (todo->empty()) return 0;
  connection.command(
      "CREATE TABLE IF NOT EXISTS schema_migrations ("
      "number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
      "applied_at timestamptz NOT NULL DEFAULT now(), duration_ms integer NOT NULL)");
  const int count = static_cast<int>(todo->size());
  for (int i = 0; i < count; ++i) {
    const Migration& one = (*todo)[static_cast<std::size_t>(i)];
    MigrationStep step{one.number, std::string(one.name), i + 1, count, 0};
    options.progress(step);
    const auto started = steady_clock::now();
    if (auto applied = apply(connection, one, options); !applied) return applied.error();
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
    step.duration_ms = std::max(1, static_cast<int>(took.count()));
    options.progress(step);
  }
  return count;
}

}  // namespace

Result<int> migrate(const MigrateOptions& options) {
  const auto connection = connect(options);
  if (!take_lock(*connection, options)) {
    return Error{Kind::retry, "migration_busy",
                 "another instance is still migrating the database; wait for it"};
  }
  return apply_all(*connection, options);  // the lock goes with the connection
}

Result<void> check_migrated(const MigrateOptions& options) {
  const auto connection = connect(options);
  const auto todo = missing(read_applied(*connection), options);
  if (!todo) return todo.error();
  if (todo->empty()) return {};
  return Error{Kind::retry, "migration_missing",
               fmt::format("{} migrations are missing, first {}: run `payoutd migrate`",
                           todo->size(), file_name(todo->front().number, todo->front().name))};
}

}  // namespace payoutd::pg
