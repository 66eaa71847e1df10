#include "pg/migrate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "pg/connection.h"
#include "pg/database.h"
#include "support/database.h"

namespace payoutd::pg {
namespace {

const std::vector<Migration> kThree{
    {1, "users", "CREATE TABLE users (id int PRIMARY KEY, name text);"},
    {2, "emails",
     "ALTER TABLE users ADD COLUMN email text NOT NULL DEFAULT '';"
     "CREATE INDEX users_by_email ON users (email);"},
    {5, "function",
     "CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;"},
};

struct Migrations : testing::Test {
  Migrations() : name_(support::create_database(false)), db_({.url = url()}) {}
  ~Migrations() override { support::drop_database(name_); }

  Secret url() const { return support::server().url(name_); }
  Result<int> apply(const std::vector<Migration>& files) const {
    return migrate({.url = url(), .migrations = &files});
  }
  std::string code_of(const std::vector<Migration>& files) const {
    const auto done = apply(files);
    return done ? "applied" : done.error().code;
  }
  void run(const std::string& sql) {
    auto done = db_.transact([&](Tx& tx) -> Result<void> {
      tx.exec_unnamed(sql);
      return {};
    });
    EXPECT_TRUE(done.ok());
  }
  std::int64_t number(const std::string& sql) {
    return *db_.read([&](Tx& tx) -> Result<std::int64_t> {
      return tx.exec_unnamed(sql).one().get<std::int64_t>(0);
    });
  }

  std::string name_;
  Database db_;
};

TEST_F(Migrations, AreAppliedOnceAndInOrder) {
  const std::vector<Migration> first(kThree.begin(), kThree.begin() + 1);
  EXPECT_EQ(*apply(first), 1);
  run("INSERT INTO users VALUES (1, 'Ada')");
  EXPECT_EQ(*apply(kThree), 2);  // over data that is there
  EXPECT_EQ(*apply(kThree), 0);
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE email = ''"), 1);
  EXPECT_EQ(number("SELECT one()"), 1);
  EXPECT_TRUE(check_migrated({.url = url(), .migrations = &kThree}).ok());
}

TEST_F(Migrations, MayBeNone) {
  EXPECT_EQ(*apply({}), 0);
  const std::vector<Migration> none;
  EXPECT_TRUE(check_migrated({.url = url(), .migrations = &none}).ok());
  EXPECT_EQ(check_migrated({.url = url(), .migrations = &kThree}).error().code,
            "migration_missing");
}

TEST_F(Migrations, AnEditedOneIsRefused) {
  ASSERT_EQ(*apply(kThree), 3);
  auto edited = kThree;
  edited[1].sql = "ALTER TABLE users ADD COLUMN email text;";
  EXPECT_EQ(code_of(edited), "migration_edited");
  EXPECT_NE(apply(edited).error().message.find("0002_emails.sql"), std::string::npos);
  EXPECT_EQ(check_migrated({.url = url(), .migrations = &edited}).error().code, "migration_edited");
}

// An older instance goes on, and starts again, while a newer schema is rolled out.
TEST_F(Migrations, OfALaterProgramServeAnEarlierOne) {
  ASSERT_EQ(*apply(kThree), 3);
  const std::vector<Migration> older(kThree.begin(), kThree.begin() + 2);
  std::string ahead;
  const MigrateOptions options{.url = url(),
                               .migrations = &older,
                               .ahead = [&](const std::string& newest) { ahead = newest; }};
  const auto migrated = migrate(options);
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  EXPECT_EQ(*migrated, 0);
  EXPECT_EQ(ahead, "0005_function.sql");
  EXPECT_TRUE(check_migrated(options).ok());
  auto edited = older;
  edited[1].sql = "ALTER TABLE users ADD COLUMN email text;";
  EXPECT_EQ(check_migrated({.url = url(), .migrations = &edited}).error().code, "migration_edited");
}

TEST_F(Migrations, AmongOursThatWeDoNotKnowAreRefused) {
  ASSERT_EQ(*apply(kThree), 3);
  const std::vector<Migration> gap{kThree.front(), kThree.back()};
  EXPECT_EQ(code_of(gap), "migration_unknown");
}

TEST_F(Migrations, GoForwardOnly) {
  ASSERT_EQ(*apply(kThree), 3);
  auto late = kThree;
  late.push_back({3, "late", "SELECT 1"});
  EXPECT_EQ(code_of(late), "migration_order");
  auto twice = kThree;
  twice.push_back({5, "other", "SELECT 1"});
  EXPECT_EQ(code_of(twice), "migration_order");
}

TEST_F(Migrations, OneThatFailsLeavesNothingAndThoseBeforeItStay) {
  auto wrong = kThree;
  wrong[1].sql = "ALTER TABLE users ADD COLUMN email text; SELECT 1 / 0;";
  const auto failed = apply(wrong);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, "migration_failed");
  EXPECT_NE(failed.error().message.find("division by zero"), std::string::npos);
  EXPECT_EQ(*apply(kThree), 2);
}

TEST_F(Migrations, ManyInstancesStartAtOnceAndOneOfThemMigrates) {
  std::atomic<int> applied = 0;
  {
    std::vector<std::jthread> instances;
    for (int i = 0; i < 6; ++i) {
      instances.emplace_back([&] {
        const auto done = apply(kThree);
        EXPECT_TRUE(done.ok());
        if (done) applied += *done;
      });
    }
  }
  EXPECT_EQ(applied, 3);
}

TEST_F(Migrations, SayHowFarTheyAre) {
  std::vector<std::string> told;
  const auto tell = [&](const MigrationStep& step) {
    told.push_back(std::to_string(step.position) + "/" + std::to_string(step.count) + " " +
                   step.name + (step.duration_ms > 0 ? " done" : ""));
  };
  const auto done = migrate({.url = url(), .migrations = &kThree, .progress = tell});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(told,
            (std::vector<std::string>{"1/3 users", "1/3 users done", "2/3 emails",
                                      "2/3 emails done", "3/3 function", "3/3 function done"}));
}

TEST_F(Migrations, GiveWayToWhoeverUsesTheTable) {
  const std::vector<Migration> first(kThree.begin(), kThree.begin() + 1);
  ASSERT_EQ(*apply(first), 1);
  auto done = db_.transact([&](Tx& tx) -> Result<void> {
    tx.exec_unnamed("INSERT INTO users VALUES (1, 'busy')");
    const auto blocked =
        migrate({.url = url(), .migrations = &kThree, .table_lock_ms = 20, .table_lock_tries = 3});
    EXPECT_EQ(blocked.error().code, "migration_failed");
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*apply(kThree), 2);
}

TEST_F(Migrations, OfTheProgramApplyAndAreKnownByName) {
  EXPECT_EQ(*apply(migrations()), static_cast<int>(migrations().size()));
  for (const Migration& one : migrations()) {
    EXPECT_GT(one.number, 0);
    EXPECT_FALSE(one.name.empty());
  }
}

const Migration kFilled{1, "filled",
                        "CREATE TABLE filled (id int, twice int);"
                        "INSERT INTO filled SELECT i FROM generate_series(1, 5000) i;"};
const Migration kInSteps{2, "in_steps", R"sql(-- in steps: the table stays writable
-- step: the index
CREATE INDEX CONCURRENTLY IF NOT EXISTS filled_by_id ON filled (id)
-- step: some rows at a time
DO $$
DECLARE
  n bigint;
BEGIN
  LOOP
    UPDATE filled SET twice = 2 * id
     WHERE id IN (SELECT id FROM filled WHERE twice IS NULL LIMIT 1000);
    GET DIAGNOSTICS n = ROW_COUNT;
    EXIT WHEN n = 0;
    COMMIT;
  END LOOP;
END $$
)sql"};

TEST_F(Migrations, InStepsRunOutsideATransaction) {
  EXPECT_EQ(*apply({kFilled, kInSteps}), 2);
  EXPECT_EQ(number("SELECT count(*) FROM filled WHERE twice = 2 * id"), 5000);
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE indisvalid"
                   " AND indexrelid = 'filled_by_id'::regclass"),
            1);
  EXPECT_GT(number("SELECT count(DISTINCT xmin::text) FROM filled"), 4);
  EXPECT_EQ(*apply({kFilled, kInSteps}), 0);
}

TEST_F(Migrations, InStepsThatBrokeOffBeginAgain) {
  const Migration broken{2, "in_steps", R"sql(-- in steps
-- step
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS filled_one ON filled (twice)
)sql"};
  ASSERT_EQ(*apply({kFilled}), 1);
  run("UPDATE filled SET twice = 7");
  EXPECT_EQ(code_of({kFilled, broken}), "migration_failed");
  // An unfinished unique index would refuse what the service writes meanwhile.
  EXPECT_EQ(number("SELECT count(*) FROM pg_class WHERE relname = 'filled_one'"), 0);
  run("INSERT INTO filled VALUES (6000, 7)");
  run("UPDATE filled SET twice = id");
  EXPECT_EQ(*apply({kFilled, broken}), 1);
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM pg_class WHERE relname = 'filled_one'"), 1);
}

Migration in_steps_of(std::string_view sql) { return {2, "in_steps", sql}; }

TEST_F(Migrations, InStepsThatWouldNotRunOrNotTwiceAreRefused) {
  ASSERT_EQ(*apply({kFilled}), 1);
  const std::vector<std::pair<std::string_view, std::string_view>> wrong{
      {"-- in steps\n", "there are no steps"},
      {"-- in steps\n-- Step\nSELECT 1;\n", "a statement stands before the first step"},
      {"-- in steps\nSELECT 1;\n-- step\nSELECT 1\n", "a statement stands before the first step"},
      {"-- in steps\n-- step\nSELECT 1\n-- step: later\n", "step 2: a step is empty"},
      {"-- in steps\n-- step\nSELECT 1; SELECT 2;\n", "more than one statement"},
      {"-- in steps\n-- step\nCREATE INDEX CONCURRENTLY x ON filled (id)\n", "IF NOT EXISTS"},
      {"-- in steps\n-- step\nDROP INDEX CONCURRENTLY x\n", "IF EXISTS"}};
  for (const auto& [sql, why] : wrong) {
    const auto refused = apply({kFilled, in_steps_of(sql)});
    ASSERT_FALSE(refused.ok()) << sql;
    EXPECT_EQ(refused.error().code, "migration_failed");
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(number("SELECT max(number) FROM schema_migrations"), 1);
}

TEST_F(Migrations, AreTheSameFileWithOtherLineEnds) {
  const Migration unix{2, "in_steps",
                       "-- in steps\n-- step\n"
                       "CREATE INDEX CONCURRENTLY IF NOT EXISTS f ON filled (id);\n"};
  const Migration dos{2, "in_steps",
                      "-- in steps\r\n-- step\r\n"
                      "CREATE INDEX CONCURRENTLY IF NOT EXISTS f ON filled (id);\r\n"};
  EXPECT_EQ(*apply({kFilled, dos}), 2);
  EXPECT_EQ(code_of({kFilled, unix}), "applied");
}

// A word in a comment makes no statement patient: it would wait for ever, and all others behind it.
TEST_F(Migrations, InStepsGiveWayUnlessTheStatementIsConcurrent) {
  ASSERT_EQ(*apply({kFilled}), 1);
  const std::vector<Migration> files{kFilled, in_steps_of(R"sql(-- in steps
-- step
-- not CONCURRENTLY: /* a moment */
ALTER TABLE filled ADD COLUMN IF NOT EXISTS note text DEFAULT 'CONCURRENTLY'
)sql")};
  auto done = db_.transact([&](Tx& tx) -> Result<void> {
    tx.exec_unnamed("INSERT INTO filled VALUES (1, 1)");
    const auto blocked =
        migrate({.url = url(), .migrations = &files, .table_lock_ms = 20, .table_lock_tries = 2});
    EXPECT_EQ(blocked.error().code, "migration_failed");
    return {};
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*apply(files), 1);
}

struct Unfinished : Migrations {
  std::unique_ptr<Connection> session() const {
    return Connection::open({.url = url(), .application_name = "test"},
                            std::chrono::steady_clock::now() + std::chrono::seconds{20});
  }
  // Whether it became true in time; the database's own clock and state are asked.
  bool becomes_true(const std::string& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (number("SELECT (" + condition + ")::int") == 0) {
      if (std::chrono::steady_clock::now() > until) return false;
    }
    return true;
  }
  bool waits(const std::string& how_long) {
    return becomes_true(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'payoutd migrate'"
        " AND wait_event_type = 'Lock' AND datname = current_database()"
        " AND now() - query_start > interval '" +
        how_long + "'");
  }
};

const std::vector<Migration> kTwoIndexes{kFilled, in_steps_of(R"sql(-- in steps
-- step: in small letters
create index concurrently if not exists filled_by_id on filled (id);
-- step
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS filled_by_both ON filled (id, twice)
)sql")};

TEST_F(Unfinished, AConcurrentBuildOutwaitsOldTransactions) {
  ASSERT_EQ(*apply({kFilled}), 1);
  const auto old = session();
  old->command("BEGIN");
  old->command("UPDATE filled SET twice = 1 WHERE id = 1");
  std::optional<int> applied;
  std::jthread migrates([&] {
    const auto done = migrate(
        {.url = url(), .migrations = &kTwoIndexes, .table_lock_ms = 20, .table_lock_tries = 1});
    if (done) applied = *done;
  });
  EXPECT_TRUE(waits("200 ms"));
  old->command("COMMIT");
  migrates.join();
  EXPECT_EQ(applied, 1);
}

TEST_F(Unfinished, AKilledOneIsFinishedByTheNext) {
  ASSERT_EQ(*apply({kFilled}), 1);
  const auto old = session();
  old->command("BEGIN");
  old->command("UPDATE filled SET twice = 1 WHERE id = 1");
  std::jthread migrates([&] { EXPECT_THROW((void)apply(kTwoIndexes), Lost); });
  ASSERT_TRUE(waits("0 ms"));
  run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE application_name = 'payoutd migrate' AND datname = current_database()");
  migrates.join();
  old->command("COMMIT");
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
  EXPECT_EQ(code_of(kTwoIndexes), "applied");
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM pg_class WHERE relname LIKE 'filled_by_%'"), 2);
}

TEST_F(Unfinished, AnIndexOfAnotherNameIsLeftAlone) {
  ASSERT_EQ(*apply({kFilled}), 1);
  const auto other = session();
  other->command("UPDATE filled SET twice = 7");
  EXPECT_THROW(other->command("CREATE UNIQUE INDEX CONCURRENTLY by_id ON filled (twice)"),
               SqlError);
  EXPECT_EQ(code_of(kTwoIndexes), "applied");
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE indexrelid = 'by_id'::regclass"), 1);
}

TEST_F(Migrations, InStepsMayDoOneThingToEachPartition) {
  const Migration weeks{1, "weeks", R"sql(
  CREATE TABLE events (created int NOT NULL) PARTITION BY RANGE (created);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);)sql"};
  const auto indexed = in_steps_of(R"sql(-- in steps
-- step: weeks to come have it from their parent
CREATE INDEX IF NOT EXISTS events_newest ON ONLY events (created)
-- step of each week
SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %I (created)',
              c.relname || '_newest', c.relname)
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'events'::regclass
-- step of each week
SELECT format('ALTER INDEX events_newest ATTACH PARTITION %I', c.relname || '_newest')
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'events'::regclass
)sql");
  EXPECT_EQ(*apply({weeks, indexed}), 2);
  EXPECT_EQ(number("SELECT count(*) FROM pg_index WHERE indisvalid"
                   " AND indexrelid::regclass::text LIKE 'events%newest'"),
            3);
}

}  // namespace
}  // namespace payoutd::pg
