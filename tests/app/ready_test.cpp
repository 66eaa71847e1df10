// What the program answers while Stripe or the database lets it wait.
#include <chrono>
#include <map>
#include <sstream>

#include "webhooks/event_log.h"
#include "world.h"

namespace payoutd::app {
namespace {

struct Ready : ProgramTest {
  const Time begun = clock.now();
  Wall wall;

  void alter_database(const std::string& what) {
    sql("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' " + what + "'; END $$");
    sql("SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name LIKE 'payoutd%serve'");
  }
  // A loop that fails says so once, and then at most twice a minute.
  void expect_said_seldom() const {
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(clock.now() - begun).count();
    std::map<std::string, int> lines;
    std::istringstream said(program->said());
    for (std::string line; std::getline(said, line);) {
      const auto level = line.find(" warn ");
      if (level == std::string::npos) continue;
      if (const auto unsaid = line.find(" unsaid="); unsaid != std::string::npos)
        line.erase(unsaid, line.find(' ', unsaid + 1) - unsaid);
      ++lines[line.substr(level)];
    }
    EXPECT_FALSE(lines.empty());
    for (const auto& [line, times] : lines) EXPECT_LE(times, 1 + 2 * minutes) << line;
  }
  int run(const std::vector<std::string>& arguments, std::string& said) {
    Program command(arguments, environment(wall.url()));
    const int code = command.ended().value_or(-1);
    said = command.said();
    return code;
  }
};

bool is_answered(http::Client& client) { return client.read(50).status != 0; }

TEST_F(Ready, ReadsAreAnsweredWhileEveryCallToStripeHangs) {
  wall.balance_hangs = true;
  serve(wall.url());
  std::vector<http::Client> slow;
  for (int i = 0; i < 14; ++i) slow.push_back(asking("GET", "/api/balance"));
  slow.push_back(paying("k1"));
  slow.push_back(asking("POST", "/api/balance/transactions/sync"));
  ASSERT_TRUE(eventually([&] { return wall.hanging > 0; })) << program->said();
  for (const char* path : {"/readyz", "/api/payouts", "/api/accounts", "/metrics"})
    EXPECT_EQ(get(path).status, 200) << path;
  // As late as that, Stripe has answered none.
  EXPECT_FALSE(is_answered(slow.front()));
}

TEST_F(Ready, ProbesAreAnsweredWhileEveryReadWaitsForALock) {
  serve(sim.url());
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  ASSERT_EQ(get("/api/payouts").status, 200);  // whose key this is, is known from now on
  std::vector<http::Client> slow;
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("LOCK TABLE payouts, instructions, inbox, jobs IN ACCESS EXCLUSIVE MODE");
    for (int i = 0; i < 12; ++i) slow.push_back(asking("GET", "/api/payouts"));
    EXPECT_EQ(get("/readyz").status, 200);
    const http::Answered metrics = get("/metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_TRUE(metrics.body.contains("payoutd_standing_age_seconds")) << metrics.body;
    EXPECT_FALSE(is_answered(slow.front()));
    return {};
  }));
  for (auto& client : slow) EXPECT_NE(client.read(kPatienceMs).status, 0);
}

TEST_F(Ready, ADatabaseThatTakesNoWritesIsToldAndRead) {
  serve(sim.url());
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  ASSERT_EQ(get("/api/payouts").status, 200);
  alter_database("SET default_transaction_read_only = on");
  EXPECT_TRUE(eventually([&] { return get("/readyz").status == 503; }));
  EXPECT_EQ(get("/readyz").code(), "database_read_only");
  const http::Answered refused = paying("k1").read(kPatienceMs);
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.code(), "database_read_only");
  const Json undelivered = Json::parse(deliver("evt_1").body).at("error");
  EXPECT_EQ(undelivered.at("code"), "event_not_stored");
  EXPECT_TRUE(undelivered.at("request_id").get<std::string>().starts_with("req_"));
  EXPECT_TRUE(undelivered.at("message").get<std::string>().contains("takes no writes"));
  // Each request to Stripe has to be counted in the database; what was counted before is used up,
  // and a balance that was read with that is shown for ten seconds.
  EXPECT_TRUE(eventually([&] {
    const http::Answered balance = get("/api/balance");
    return balance.status == 503 && balance.code() == "database_read_only";
  })) << get("/api/balance").body;
  for (const char* path : {"/api/payouts", "/api/accounts", "/api/balance/transactions"})
    EXPECT_EQ(get(path).status, 200) << path;
  std::string said;
  // Named: the account's own currency may not be known yet.
  EXPECT_EQ(run({"report", "balance", "--currency", "usd", "--json"}, said), 0) << said;
  EXPECT_EQ(run({"accounts", "list"}, said), 0) << said;
  EXPECT_EQ(run({"events", "list"}, said), 0) << said;
  EXPECT_EQ(run({"migrate"}, said), 0) << said;
  EXPECT_EQ(run({"doctor"}, said), 3) << said;
  EXPECT_NE(said.find("takes no writes"), std::string::npos) << said;
  expect_said_seldom();

  alter_database("RESET default_transaction_read_only");
  EXPECT_TRUE(eventually([&] { return is_ready(); }));
  EXPECT_TRUE(eventually([&] { return paying("k1").read(kPatienceMs).status == 201; }));
  EXPECT_EQ(paid_at_stripe(), 1u);
  EXPECT_TRUE(eventually([&] { return deliver("evt_1").status == 200; }));
}

TEST_F(Ready, ANewerSchemaServesAnOlderProgram) {
  serve(sim.url());
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  sql("INSERT INTO schema_migrations (number, name, checksum, duration_ms)"
      " VALUES (9999, 'later', 'of another program', 1)");
  EXPECT_TRUE(is_ready()) << get("/readyz").body;
  std::string said;
  EXPECT_EQ(run({"migrate"}, said), 0) << said;
  EXPECT_NE(said.find("9999_later.sql"), std::string::npos) << said;
  serve(sim.url());
  EXPECT_TRUE(is_ready());
  EXPECT_TRUE(program->says("9999_later.sql")) << program->said();
  sql("UPDATE schema_migrations SET checksum = 'edited' WHERE number = 1");
  EXPECT_EQ(get("/readyz").code(), "migration_edited");
  EXPECT_EQ(run({"migrate"}, said), 1) << said;
}

TEST_F(Ready, ACommandThatIsAskedForWhatIsNotThereSaysSo) {
  serve(sim.url());
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  std::string said;
  EXPECT_EQ(run({"events", "list", "--state", "bogus"}, said), 2);
  for (const char* state : webhooks::kEventStates)
    EXPECT_NE(said.find(state), std::string::npos) << state << ": " << said;
  EXPECT_EQ(run({"events", "list", "--account", "bogus"}, said), 2);
  EXPECT_NE(said.find("acct_"), std::string::npos) << said;
  EXPECT_EQ(run({"keys", "create", "--role", "bogus"}, said), 2);
  EXPECT_NE(said.find("approver"), std::string::npos) << said;
  EXPECT_EQ(run({"dlq", "requeue", "bogus"}, said), 2) << said;

  EXPECT_EQ(run({"dlq", "list", "--kind", "bogus"}, said), 0);
  EXPECT_NE(said.find("no dead letters of kind bogus"), std::string::npos) << said;
  EXPECT_EQ(run({"events", "list", "--type", "bogus"}, said), 0);
  EXPECT_NE(said.find("no such events"), std::string::npos) << said;
  EXPECT_EQ(run({"events", "list", "--type", "bogus", "--json"}, said), 0);
  EXPECT_NE(said.find(R"({"data":[]})"), std::string::npos) << said;
}

}  // namespace
}  // namespace payoutd::app
