// A PostgreSQL for a test program and a database for each of its tests.
//
//   struct PayoutCancel : support::DatabaseTest {};
//   TEST_F(PayoutCancel, GivesTheHeldMoneyBack) { db().transact(…); }
//
// The program's main (main.cpp, linked in by SUPPORT) starts the server before any thread. Each
// test gets a copy of a database that was migrated once.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pg/database.h"
#include "pg/embedded.h"

namespace payoutd::support {

// The program's server, to stop, restart or kill inside a test, which leaves it running.
pg::Embedded& server();

// Empty, then migrated when asked to. Dropped by drop_database, sessions and all.
std::string create_database(bool migrated);
void drop_database(const std::string& name);

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest();
  ~DatabaseTest() override;

  pg::Database& db() { return *db_; }
  Secret url() const { return server().url(name_); }

  // Another pool on the same database, as another instance of the service would have.
  std::unique_ptr<pg::Database> another(int max_connections = 8) const;

  // Copies the database as it stands. Nobody else may have a session on it; db() is made again.
  std::string snapshot();
  // Puts a snapshot in the database's place, as a backup is restored: every session is cut.
  void restore(const std::string& snapshot);

 private:
  std::string name_;
  std::unique_ptr<pg::Database> db_;
};

}  // namespace payoutd::support
