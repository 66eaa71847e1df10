#include "pg/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <thread>

#include "pg/notes.h"

namespace payoutd::pg {
namespace {

const Query kSleep{"test_sleep", "SELECT pg_sleep($1::int)", Tenancy::global};
const Query kWholeNote{"test_whole_note", "SELECT * FROM notes WHERE id = $1", Tenancy::global};

TEST_F(Notes, AreKeptWhenTheBodyReturnsAValue) {
  auto done = db().transact([](Tx& tx) -> Result<int> {
    EXPECT_EQ(tx.exec(kInsertNote, 1, "kept").affected(), 1u);
    return 7;
  });
  EXPECT_EQ(*done, 7);
  EXPECT_EQ(body_of(1), "kept");
}

TEST_F(Notes, AreGoneWhenTheBodyReturnsAnError) {
  auto done = db().transact([](Tx& tx) -> Result<void> {
    tx.exec(kInsertNote, 1, "gone");
    return Error{Kind::refused, "no", "no"};
  });
  EXPECT_EQ(done.error().code, "no");
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Notes, AreGoneWhenTheBodyThrowsAndTheConnectionIsFineAgain) {
  auto one = another(1);
  EXPECT_THROW(static_cast<void>(one->transact([](Tx& tx) -> Result<void> {
                 tx.exec(kInsertNote, 1, "gone");
                 throw std::logic_error("a bug");
               })),
               std::logic_error);
  EXPECT_TRUE(insert(*one, 1, "kept").ok());
  EXPECT_EQ(body_of(1), "kept");
}

TEST_F(Notes, TellTheConstraintThatWasViolated) {
  ASSERT_TRUE(insert(db(), 1, "one").ok());
  try {
    static_cast<void>(insert(db(), 1, "two"));
    FAIL();
  } catch (const SqlError& error) {
    EXPECT_TRUE(error.unique_violation());
    EXPECT_EQ(error.constraint, "notes_pkey");
    EXPECT_NE(std::string(error.what()).find("test_insert_note"), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find("(1)"), std::string::npos);  // no values of the row
  }
}

TEST_F(Notes, CanNotForgeTheConstraintByTheirText) {
  const std::string forged = "x\nCONSTRAINT NAME:  forged\nLOCATION:  here";
  run("CREATE UNIQUE INDEX by_body ON notes (body)");
  ASSERT_TRUE(insert(db(), 1, forged).ok());
  try {
    static_cast<void>(insert(db(), 2, forged));
    FAIL();
  } catch (const SqlError& error) {
    EXPECT_EQ(error.constraint, "by_body");
  }
}

TEST_F(Notes, AreRefusedAtCommitByADeferredConstraint) {
  run("CREATE TABLE parents (id bigint PRIMARY KEY);"
      "ALTER TABLE notes ADD CONSTRAINT has_parent FOREIGN KEY (id) REFERENCES parents "
      "DEFERRABLE INITIALLY DEFERRED");
  try {
    static_cast<void>(insert(db(), 1, "orphan"));
    FAIL();
  } catch (const SqlError& error) {
    EXPECT_TRUE(error.foreign_key_violation());
    EXPECT_EQ(error.constraint, "has_parent");
  }
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Notes, SurviveARefusedAttempt) {
  auto done = db().transact([](Tx& tx) -> Result<void> {
    tx.exec(kInsertNote, 1, "one");
    auto refused = tx.attempt([&] {
      tx.exec(kInsertNote, 2, "undone");
      auto inner = tx.attempt([](Tx& same) { same.exec(kInsertNote, 1, "again"); });
      EXPECT_TRUE(inner && inner->unique_violation());
      tx.exec(kInsertNote, 1, "again");
    });
    EXPECT_TRUE(refused && refused->constraint == "notes_pkey");
    EXPECT_FALSE(tx.attempt([&] { tx.exec(kInsertNote, 3, "three"); }));
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(body_of(1), "one");
  EXPECT_EQ(body_of(2), std::nullopt);
  EXPECT_EQ(body_of(3), "three");
}

TEST_F(Notes, AreNotHalfKeptWhenABodyGoesOnAfterARefusal) {
  EXPECT_THROW(static_cast<void>(db().transact([](Tx& tx) -> Result<void> {
                 tx.exec(kInsertNote, 1, "one");
                 try {
                   tx.exec(kInsertNote, 1, "again");
                 } catch (const SqlError&) {
                   // What a careless caller would do.
                 }
                 return {};
               })),
               Broken);
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Notes, WithANulByteAreAnErrorAndNeverCutOff) {
  const std::string text("cut\0off", 7);
  EXPECT_EQ(insert(db(), 1, text).error().code, "invalid_text");
  EXPECT_EQ(insert(db(), 1, "\xff\xfe").error().code, "invalid_text");
  auto batch = db().transact([&](Tx& tx) -> Result<void> {
    Array<std::int64_t> ids;
    Array<std::string> bodies;
    ids.add(1);
    bodies.add(text);
    tx.exec(kUnnestNotes, ids, bodies);
    return {};
  });
  EXPECT_EQ(batch.error().code, "invalid_text");
  EXPECT_EQ(body_of(1), std::nullopt);
}

TEST_F(Notes, AreReadOnOneSnapshotThatNothingCanWriteTo) {
  ASSERT_TRUE(insert(db(), 1, "before").ok());
  auto second = another();
  auto same = db().read([&](Tx& tx) -> Result<bool> {
    const auto first = tx.exec(kFindNote, 1).one().get<std::string>("body");
    std::jthread([&] {
      second
          ->transact([](Tx& other) -> Result<void> {
            other.exec_unnamed("UPDATE notes SET body = 'after'");
            return {};
          })
          .ok();
    }).join();
    return tx.exec(kFindNote, 1).one().get<std::string>("body") == first;
  });
  EXPECT_TRUE(*same);
  EXPECT_EQ(body_of(1), "after");
  EXPECT_THROW(static_cast<void>(db().read([](Tx& tx) -> Result<void> {
                 tx.exec(kInsertNote, 2, "a mistake of the caller's");
                 return {};
               })),
               Broken);
}

TEST_F(Notes, AreReadFromTheReplicaUntilItIsAway) {
  const std::string replica_name = support::create_database(false);
  const Secret replica = support::server().url(replica_name);
  Database on_replica({.url = replica});
  ASSERT_TRUE(on_replica
                  .transact([](Tx& tx) -> Result<void> {
                    tx.exec_unnamed(
                        "CREATE TABLE notes (id bigint, body text);"
                        "INSERT INTO notes VALUES (1, 'copy')");
                    return {};
                  })
                  .ok());
  ASSERT_TRUE(insert(db(), 1, "original").ok());
  Database both({.url = url(), .replica_url = replica});
  EXPECT_EQ(body_of(1, both), "copy");
  support::drop_database(replica_name);
  EXPECT_EQ(body_of(1, both), "original");
}

TEST_F(Notes, OneTransactionAThread) {
  EXPECT_THROW(static_cast<void>(
                   db().transact([&](Tx&) -> Result<void> { return insert(db(), 1, "inner"); })),
               Broken);
  EXPECT_TRUE(insert(db(), 1, "later").ok());
}

TEST_F(Notes, AStatementThatTakesTooLongIsEnded) {
  Database hasty({.url = url(), .statement_timeout_ms = 50});
  try {
    static_cast<void>(hasty.read([](Tx& tx) -> Result<void> {
      tx.exec(kSleep, 30);
      return {};
    }));
    FAIL();
  } catch (const Busy& error) {
    EXPECT_EQ(error.sqlstate, "57014");
  }
}

TEST_F(Notes, WhatSaysNothingOfARowIsBusyAndNotARefusal) {
  ASSERT_TRUE(insert(db(), 1, "one").ok());
  for (const char* code : {"53100", "53200", "57014", "55P03", "25006", "58030", "42501"}) {
    const auto raise = [&](Tx& tx) -> Result<void> {
      const auto refused = tx.attempt([&] {
        tx.exec_unnamed(
            fmt::format("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '{}'; END $$", code));
      });
      ADD_FAILURE() << code << " was taken for a refused row";
      return {};
    };
    EXPECT_THROW(static_cast<void>(db().transact(raise)), Busy) << code;
  }
  EXPECT_TRUE(insert(db(), 2, "the connection still serves").ok());
}

TEST_F(Notes, APreparedStatementSurvivesAChangeOfTheSchema) {
  ASSERT_TRUE(insert(db(), 1, "one").ok());
  auto one = another(1);
  const auto columns = [&] {
    return *one->transact([](Tx& tx) -> Result<std::string> {
      const auto rows = tx.exec(kWholeNote, 1);
      return rows.one().get<std::optional<std::string>>(rows.one().size() - 1).value_or("NULL");
    });
  };
  EXPECT_EQ(columns(), "one");
  run("ALTER TABLE notes ADD COLUMN author text");
  EXPECT_EQ(columns(), "NULL");
}

TEST_F(Notes, ConflictingWritersAreRepeatedUntilBothAreIn) {
  run("INSERT INTO notes VALUES (1, ''), (2, '')");
  std::atomic<int> bodies_run = 0;
  std::latch both_hold_one(2), one_is_in(1);
  const auto write = [&](int first, int second) {
    bool repeated = false;
    auto done = db().transact([&](Tx& tx) -> Result<void> {
      ++bodies_run;
      // A repeat could take the row again before the other is awake, for a second deadlock.
      if (repeated) one_is_in.wait();
      tx.exec(kAppendNote, first, "x");
      if (!std::exchange(repeated, true)) both_hold_one.arrive_and_wait();
      tx.exec(kAppendNote, second, "x");  // a deadlock, the first time
      return {};
    });
    EXPECT_TRUE(done.ok());
    if (!one_is_in.try_wait()) one_is_in.count_down();
  };
  {
    std::jthread one(write, 1, 2);
    std::jthread two(write, 2, 1);
  }
  EXPECT_EQ(body_of(1), "xx");
  EXPECT_EQ(body_of(2), "xx");
  EXPECT_EQ(bodies_run, 3);
  EXPECT_EQ(db().state().conflicts, 1);
}

TEST_F(Notes, ASerializationFailureIsRepeated) {
  run("INSERT INTO notes VALUES (1, '')");
  auto second = another();
  int bodies_run = 0;
  auto done = db().transact([&](Tx& tx) -> Result<void> {
    tx.exec_unnamed("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    tx.exec(kFindNote, 1);
    if (++bodies_run == 1) std::jthread([&] { append(*second, 1, "other "); }).join();
    tx.exec(kAppendNote, 1, "mine");
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(bodies_run, 2);
  EXPECT_EQ(body_of(1), "other mine");
}

TEST_F(Notes, AnEndlessConflictEscapesAfterFiveRepeats) {
  int bodies_run = 0;
  EXPECT_THROW(
      static_cast<void>(db().transact([&](Tx& tx) -> Result<void> {
        ++bodies_run;
        tx.exec_unnamed("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
        return {};
      })),
      Conflict);
  EXPECT_EQ(bodies_run, 6);
}

TEST_F(Notes, AThreadWaitsForAConnectionAndNotForEver) {
  Database narrow({.url = url(), .max_connections = 1, .wait_ms = 60});
  std::latch holds(1), may_end(1);
  std::jthread holder([&] {
    static_cast<void>(narrow.transact([&](Tx&) -> Result<void> {
      holds.count_down();
      may_end.wait();
      return {};
    }));
  });
  holds.wait();
  EXPECT_THROW(static_cast<void>(insert(narrow, 1, "too many")), Lost);
  EXPECT_TRUE(narrow.alive());  // busy is not dead
  may_end.count_down();
  holder.join();
  EXPECT_TRUE(insert(narrow, 1, "now").ok());
  EXPECT_EQ(narrow.state().open, 1);
}

TEST_F(Notes, ManyThreadsShareFewConnections) {
  Database narrow({.url = url(), .max_connections = 3});
  run("INSERT INTO notes VALUES (1, '')");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10; ++n) append(narrow, 1, "x");
      });
    }
  }
  EXPECT_EQ(body_of(1)->size(), 160u);
  EXPECT_LE(narrow.state().open, 3);
  EXPECT_EQ(narrow.state().idle, narrow.state().open);
}

TEST_F(Notes, CanBeCopiedInByPqxx) {
  auto done = db().transact([](Tx& tx) -> Result<void> {
    pqxx::stream_to stream(tx.raw(), "notes", std::vector<std::string>{"id", "body"});
    for (int i = 0; i < 100; ++i) stream << std::make_tuple(i, "line\t" + std::to_string(i));
    stream.complete();
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(body_of(99), "line\t99");
}

TEST(DatabaseUrl, IsReadWithoutBeingQuoted) {
  EXPECT_TRUE(check_url(Secret("postgresql://me:pw@db.example:5432/payouts?sslmode=require")).ok());
  EXPECT_TRUE(check_url(Secret("host=/run/postgresql dbname=payouts")).ok());
  for (const char* wrong : {"", "postgresql://me:hunter2@[db/x", "hunter2"}) {
    const auto checked = check_url(Secret(wrong));
    ASSERT_FALSE(checked.ok()) << wrong;
    EXPECT_EQ(checked.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace payoutd::pg
