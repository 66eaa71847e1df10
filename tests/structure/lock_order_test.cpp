// Every statement that locks rows of the order says so where it is declared; each transaction of
// every test then holds its statements to the order.
#include "pg/lock_order.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "pg/query.h"

namespace payoutd::pg {
namespace {

TEST(LockOrder, IsHeldByATransactionsStatements) {
  LockOrder order;
  EXPECT_FALSE(order.allows(writes_locked(LockedRows::payouts)));  // not locked yet
  order.note(locks(LockedRows::payouts));
  EXPECT_TRUE(order.allows(locks(LockedRows::payouts)));
  order.note(locks(LockedRows::instructions));
  EXPECT_FALSE(order.allows(locks(LockedRows::payouts)));
  EXPECT_TRUE(order.allows(writes_locked(LockedRows::payouts)));
  order.note(locks(LockedRows::jobs));
  EXPECT_FALSE(order.allows(locks(LockedRows::instructions)));
  EXPECT_TRUE(order.allows(locks(LockedRows::none)));
}

TEST(LockOrder, IsDeclaredByEveryStatementThatLocks) {
  struct Table {
    std::regex locking;
    LockedRows rows;
  };
  const auto writes = [](const char* tables) {
    return std::regex(std::string("(?:UPDATE|INSERT INTO|DELETE FROM) (?:") + tables + ")\\b");
  };
  const Table tables[] = {
      {writes("payouts"), LockedRows::payouts},
      {std::regex(R"(FROM payouts\b[^)]*FOR UPDATE|JOIN payouts AS p[^)]*)"
                  R"(\([^)]*\)[^)]*FOR UPDATE)"),
       LockedRows::payouts},
      {writes("instructions|instruction_payouts"), LockedRows::instructions},
      {std::regex("JOIN instructions i .*FOR UPDATE OF i"), LockedRows::instructions},
      {writes("jobs"), LockedRows::jobs}};
  int found = 0;
  for (const Query* query : Query::all()) {
    const std::string sql(query->sql);
    for (const Table& table : tables) {
      if (!std::regex_search(sql, table.locking)) continue;
      EXPECT_EQ(query->locks.rows, table.rows) << query->name;
      ++found;
    }
  }
  EXPECT_GT(found, 20);
}

}  // namespace
}  // namespace payoutd::pg
