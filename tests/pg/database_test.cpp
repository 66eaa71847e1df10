#include "pg/database.h"

#include <gtest/gtest.h>

#include "support/database.h"

namespace payoutd::pg {
namespace {

const Query kInsertNote{"test_insert_note", "INSERT INTO notes (id, body) VALUES ($1, $2)",
                        Tenancy::global};
const Query kFindNote{"test_find_note", "SELECT body FROM notes WHERE id = $1", Tenancy::global};
const Query kUnnestNotes{"test_unnest_notes",
                         "INSERT INTO notes (id, body) SELECT * FROM UNNEST($1::bigint[], $2::text[])",
                         Tenancy::global};

struct Transactions : support::DatabaseTest {
  Transactions() {
    auto made = db().transact([](Tx& tx) -> Result<void> {
      tx.exec_unnamed("CREATE TABLE notes (id bigint PRIMARY KEY, body text)");
      return {};
    });
    EXPECT_TRUE(made.ok());
  }

  std::optional<std::string> note(std::int64_t id) {
    auto found = db().read([&](Tx& tx) -> Result<std::optional<std::string>> {
      auto row = tx.exec(kFindNote, id).maybe();
      if (!row) return std::optional<std::string>{};
      return row->get<std::optional<std::string>>("body");
    });
    return *found;
  }
};

TEST_F(Transactions, CommitAValue) {
  auto done = db().transact([](Tx& tx) -> Result<int> {
    EXPECT_EQ(tx.exec(kInsertNote, 1, "kept").affected(), 1u);
    return 7;
  });
  EXPECT_EQ(*done, 7);
  EXPECT_EQ(note(1), "kept");
}

TEST_F(Transactions, RollBackAnError) {
  auto done = db().transact([](Tx& tx) -> Result<void> {
    tx.exec(kInsertNote, 1, "gone");
    return Error{Kind::refused, "no", "no"};
  });
  EXPECT_EQ(done.error().code, "no");
  EXPECT_EQ(note(1), std::nullopt);
}

TEST_F(Transactions, TakeABatchByUnnest) {
  Array<std::int64_t> ids;
  Array<std::string> bodies;
  for (int i = 0; i < 1000; ++i) {
    ids.add(i);
    if (i % 2 == 0) bodies.add("even");
    else bodies.null();
  }
  auto done = db().transact([&](Tx& tx) -> Result<std::size_t> {
    return tx.exec(kUnnestNotes, ids, bodies).affected();
  });
  EXPECT_EQ(*done, 1000u);
  EXPECT_EQ(note(2), "even");
}

}  // namespace
}  // namespace payoutd::pg
