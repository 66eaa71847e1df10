// What callers are told of a database that can't do something now.
#include "pg/outage.h"

#include "support/database.h"

namespace payoutd::pg {
namespace {

struct OutageTest : support::DatabaseTest {
  void run(const std::string& sql) {
    (void)db().transact([&](Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
  }
};

std::string_view code_of(Database& database) {
  try {
    (void)database.transact([](Tx&) -> Result<void> { return {}; });
  } catch (const Unavailable& error) {
    return outage_of(error)->code;
  }
  return "none";
}

TEST_F(OutageTest, AServerWithoutAConnectionToSpareCanBeReached) {
  run("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0");
  std::string narrow = url().reveal();
  const auto user = narrow.find("://") + 3;
  narrow.replace(user, narrow.find('@') - user, "narrow");
  Database database({.url = Secret(narrow), .wait_ms = 100});
  EXPECT_EQ(code_of(database), "database_connections_used_up");
  run("ALTER ROLE narrow CONNECTION LIMIT 10");
  EXPECT_EQ(code_of(database), "none");
  run("DROP ROLE narrow");
}

TEST_F(OutageTest, SaysNothingOfWhatWasRefusedForItselfOrMayHaveBeenDone) {
  EXPECT_EQ(outage_of(Conflict("rows changed"))->code, "database_busy");
  EXPECT_FALSE(outage_of(SqlError("no such column", "42703")));
  EXPECT_FALSE(outage_of(InDoubt("the answer was lost")));
  EXPECT_FALSE(outage_of(std::runtime_error("else")));
}

}  // namespace
}  // namespace payoutd::pg
