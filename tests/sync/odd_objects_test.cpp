// One object that can't be kept, or that Stripe shows in words nobody knew, decides nothing else.

#include "sync/world.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct OddObjects : SyncTest {
  void alter(const char* path, const std::string& find, const std::string& with) {
    fault({{"do", "alter"},
           {"method", "GET"},
           {"path", path},
           {"find", find},
           {"with", with},
           {"count", 0}});
  }
  // A table that refuses the row of one object.
  void refuse(const std::string& table, const std::string& id, const std::string& column) {
    execute(fmt::format(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.{} = '{}' THEN RAISE EXCEPTION 'no such row' USING ERRCODE = '23514'; END IF;"
        " RETURN NEW; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION "
        "refuse()",
        column, id, table));
  }
};

TEST_F(OddObjects, APayoutThatStripeDoesNotKnowEndsNothing) {
  expect_succeeded(sync());
  const std::string account = sim.connected().front();
  execute(fmt::format(
      "UPDATE payouts SET stripe_payout_id = 'po_1Gone', members_checked_at = NULL,"
      " status = 'in_transit' WHERE id = (SELECT id FROM payouts WHERE account = '{}' AND automatic"
      " AND reconciliation_status = 'completed' ORDER BY created LIMIT 1)",
      account));
  ASSERT_TRUE(sim.activity(account, {{"charges", 2}}).ok());
  wait(60s);
  const auto runs = sync();
  expect_succeeded(runs);
  for (const char* stream : {"payout_transactions", "payouts_due"}) {
    const StreamRecord* record = stream_of(runs, account, stream);
    ASSERT_NE(record, nullptr) << stream;
    EXPECT_EQ(record->status, "succeeded");
    EXPECT_GE(record->counts.refused, 1) << stream;
    EXPECT_TRUE(record->error.starts_with("po_1Gone: ")) << record->error;
  }
  const auto others = [](Figures figures) {
    std::erase_if(figures, [](const auto& f) { return f.first.contains(" payouts "); });
    return figures;
  };
  EXPECT_EQ(others(mirrored()), others(simulated()));
}

TEST_F(OddObjects, ARowThatTheDatabaseRefusesIsNamedAndTheOthersAreKept) {
  const std::string account = sim.connected().front();
  const std::string charge = ask("GET", "/v1/charges", {{"limit", 1}}, account)["data"][0]["id"];
  refuse("charges", charge, "stripe_id");
  const auto runs = sync();
  expect_succeeded(runs);
  const StreamRecord* charges = stream_of(runs, account, "charges");
  ASSERT_NE(charges, nullptr);
  EXPECT_EQ(charges->counts.refused, 1);
  EXPECT_TRUE(charges->error.starts_with(charge + ": ")) << charges->error;
  execute("DROP TRIGGER refuse ON charges");
  Options repair;
  repair.repair = true;
  expect_succeeded(sync(repair));
  EXPECT_EQ(mirrored(), simulated());
}

TEST_F(OddObjects, AFetchedRowThatTheDatabaseRefusesIsNamedAndTheOthersAreKept) {
  expect_succeeded(sync());
  const std::string account = sim.connected().front();
  const std::string payout = text(fmt::format(
      "SELECT min(stripe_payout_id) FROM payouts WHERE account = '{}' AND status = 'paid'",
      account));
  execute(fmt::format(
      "UPDATE payouts SET status = 'in_transit' WHERE account = '{}' AND status = 'paid'",
      account));
  refuse("payouts", payout, "stripe_payout_id");
  wait(60s);
  const auto runs = sync();
  expect_succeeded(runs);
  const StreamRecord* due = stream_of(runs, account, "payouts_due");
  ASSERT_NE(due, nullptr);
  EXPECT_EQ(due->counts.refused, 1);
  EXPECT_TRUE(due->error.starts_with(payout + ": ")) << due->error;
}

TEST_F(OddObjects, HalfASurrogatePairSpoilsNoPage) {
  const std::string customer = ask("POST", "/v1/customers", {{"name", "Halved"}})["id"];
  alter("/v1/*", "\"Halved\"", R"("Hal\ud800ved")");
  expect_succeeded(sync());
  EXPECT_EQ(text("SELECT name FROM customers WHERE stripe_id = '" + customer + "'"),
            "Hal\xEF\xBF\xBDved");
  EXPECT_EQ(mirrored(), simulated());
}

TEST_F(OddObjects, BytesThatAreNoTextSpoilNoPage) {
  const std::string customer = ask("POST", "/v1/customers", {{"name", "Halved"}})["id"];
  alter("/v1/*", "Halved", R"(Hal\u0000v)");
  expect_succeeded(sync());
  EXPECT_EQ(text("SELECT name FROM customers WHERE stripe_id = '" + customer + "'"),
            "Hal\xEF\xBF\xBDv");
}

TEST_F(OddObjects, ACurrencyThatNobodyKnewIsMirroredAndProven) {
  alter("/v1/balance*", "\"usd\"", "\"xcg\"");
  const auto runs = sync();
  expect_succeeded(runs);
  EXPECT_GT(number("SELECT count(*) FROM balance_transactions WHERE currency = 'xcg'"), 10);
  EXPECT_GT(number("SELECT count(*) FROM mirror_checks WHERE currency = 'xcg' AND state = 'equal'"),
            1);
  EXPECT_EQ(number("SELECT count(*) FROM mirror_checks WHERE state <> 'equal'"), 0);
}

TEST_F(OddObjects, AnAccountJoinsWhateverItsCurrencyAndName) {
  alter("/v1/accounts", "\"default_currency\":\"usd\"", "\"default_currency\":\"xcg\"");
  expect_succeeded(sync());
  EXPECT_EQ(number("SELECT count(*) FROM connected_accounts"), std::ssize(sim.connected()) + 1);
  EXPECT_GT(number("SELECT count(*) FROM connected_accounts WHERE default_currency = 'xcg'"), 0);
}

}  // namespace
}  // namespace payoutd::sync
