#include "support/database.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <atomic>
#include <stdexcept>

#include "pg/migrate.h"

namespace payoutd::support {
namespace {

constexpr const char* kTemplate = "migrated";

void administer(const std::string& sql) {
  PGconn* raw = PQconnectdb(server().url().reveal().c_str());
  PGresult* result = PQexec(raw, sql.c_str());
  const bool done = PQresultStatus(result) == PGRES_COMMAND_OK;
  const std::string why = PQerrorMessage(raw);
  PQclear(result);
  PQfinish(raw);
  if (!done) throw std::runtime_error(sql + ": " + why);
}

// Once a program; a template can't be copied while anybody is connected to it.
void make_template() {
  static const bool made = [] {
    administer(fmt::format("CREATE DATABASE {}", kTemplate));
    const auto migrated = pg::migrate({.url = server().url(kTemplate)});
    if (!migrated) throw std::runtime_error(migrated.error().message);
    return true;
  }();
  static_cast<void>(made);
}

}  // namespace

std::string create_database(bool migrated) {
  static std::atomic<int> count{0};
  const std::string name = fmt::format("test_{}", ++count);
  if (migrated) make_template();
  // Copying the files is the faster way as long as nothing waits for the disk.
  administer(fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name,
                         migrated ? kTemplate : "template1"));
  return name;
}

void drop_database(const std::string& name) {
  administer(fmt::format("DROP DATABASE {} WITH (FORCE)", name));
}

DatabaseTest::DatabaseTest() : name_(create_database(true)), db_(another()) {
  pg::broken_lock_order_throws = true;
}

DatabaseTest::~DatabaseTest() {
  db_.reset();
  try {
    drop_database(name_);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

std::string DatabaseTest::snapshot() {
  static std::atomic<int> count{0};
  const std::string copy = fmt::format("snapshot_{}", ++count);
  db_.reset();
  administer(fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", copy, name_));
  db_ = another();
  return copy;
}

void DatabaseTest::restore(const std::string& snapshot) {
  db_.reset();
  drop_database(name_);
  administer(fmt::format("ALTER DATABASE {} RENAME TO {}", snapshot, name_));
  db_ = another();
}

std::unique_ptr<pg::Database> DatabaseTest::another(int max_connections) const {
  return std::make_unique<pg::Database>(
      pg::Database::Options{.url = url(), .max_connections = max_connections});
}

}  // namespace payoutd::support
