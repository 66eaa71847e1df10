// The database goes away when a payout may be on its way: nobody is told that nothing was done, and
// who does as told is paid once.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct InDoubt : MoneyTest {
  void lose_the_database_at(const std::string& point) {
    start({.at = [point](const char* at) {
      if (at == point) support::server().stop();
    }});
  }
  void bring_it_back() {
    ASSERT_TRUE(support::server().restart());
    start();
    end_the_leases();
  }
  // Of keys whose process ended: else they are in use for half a minute.
  void end_the_leases() { sql("UPDATE idempotency_keys SET lease_until = now() RETURNING ''"); }
  // Ends the session that does that; a deferred trigger at its COMMIT.
  void end_sessions_that(const std::string& when, const std::string& deferred) {
    sql("CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$");
    sql(
        fmt::format("CREATE CONSTRAINT TRIGGER ends AFTER {} {} FOR EACH ROW EXECUTE FUNCTION"
                    " end_session()",
                    when, deferred));
  }
  // The payout that an answer in doubt names.
  static std::string named_by(const http::Answered& answered) {
    EXPECT_EQ(answered.status, 503) << answered.body;
    EXPECT_EQ(answered.code(), "outcome_unknown") << answered.body;
    EXPECT_NE(answered.header("retry-after"), "");
    const Json details = json(answered)["error"]["details"];
    if (details.size() != 1 || details[0]["code"] != "payout_id") {
      ADD_FAILURE() << answered.body;
      return {};
    }
    const std::string id = details[0]["message"];
    const std::string message = json(answered)["error"]["message"];
    EXPECT_NE(message.find("GET /api/payouts/" + id), std::string::npos) << message;
    return id;
  }
  static bool speaks_of_a_key(const http::Answered& answered) {
    return answered.body.find("Idempotency-Key") != std::string::npos;
  }
};

TEST_F(InDoubt, APayoutWhoseAnswerCouldNotBeKeptIsNamed) {
  lose_the_database_at("answered");
  const auto answered = pay();  // without a key there is but the id
  EXPECT_FALSE(speaks_of_a_key(answered)) << answered.body;
  const std::string id = named_by(answered);
  bring_it_back();
  EXPECT_EQ(moved().size(), 1u);
  EXPECT_EQ(status(id), "processing");
  pass(15min);
  expect_paid_once(id);
}

TEST_F(InDoubt, TheSameKeyGoesOn) {
  lose_the_database_at("answered");
  const auto answered = pay("k1");
  EXPECT_TRUE(speaks_of_a_key(answered)) << answered.body;
  const std::string id = named_by(answered);
  bring_it_back();
  clock.advance(15min);
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["id"], id);
  work();
  expect_paid_once(id);
}

TEST_F(InDoubt, TheSameKeyGoesOnWhateverBecameOfTheDefault) {
  const std::string second = open_shop(organization);
  lose_the_database_at("answered");
  const std::string id = named_by(pay("k1"));
  bring_it_back();
  ASSERT_TRUE(
      db().transact([&](pg::Tx& tx) { return access::make_default(tx, organization, second); }));
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) -> Result<void> {
    EXPECT_TRUE(access::deauthorize_account(tx, organization, shop, clock.now()));
    return {};
  }));
  clock.advance(15min);
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(json(again)["id"], id);
  EXPECT_EQ(moved(shop).size(), 1u);
  EXPECT_EQ(moved(second).size(), 0u);
}

TEST_F(InDoubt, APayoutThatWasNotSentYetIsNamed) {
  lose_the_database_at("committed");
  const std::string id = named_by(pay());
  bring_it_back();
  pass(15min);
  expect_paid_once(id);
}

TEST_F(InDoubt, APayoutThatWasMadeAndCannotBeShownIsNamed) {
  for (const char* key : {"", "k1"}) {
    lose_the_database_at("kept");
    const std::string id = named_by(pay(key));
    bring_it_back();
    EXPECT_EQ(status(id), "pending");
  }
  EXPECT_EQ(moved().size(), 2u);
  EXPECT_EQ(pay("k1").status, 201);
  EXPECT_EQ(moved().size(), 2u);
}

// All is well but for the stored answer of the key.
TEST_F(InDoubt, APayoutWhoseReplyCannotBeKeptIsNamed) {
  end_sessions_that("UPDATE ON idempotency_keys", "");
  const std::string id = named_by(pay("k1"));
  sql("DROP TRIGGER ends ON idempotency_keys");
  end_the_leases();
  EXPECT_EQ(json(pay("k1"))["id"], id);
  expect_paid_once(id);
}

TEST_F(InDoubt, ACommitOfTheIntentThatMayHaveHappenedIsNamed) {
  end_sessions_that("INSERT ON instructions", "DEFERRABLE INITIALLY DEFERRED");
  named_by(pay());
  const std::string id = named_by(pay("k1"));
  EXPECT_EQ(send("GET", "/api/payouts/" + id, key).status, 404);
  EXPECT_EQ(moved().size(), 0u);
  sql("DROP TRIGGER ends ON instructions");
  expect_paid_once(pay_expecting("pending"));
}

// Not a loss, but as little a proof that nothing was done.
TEST_F(InDoubt, APayoutThatCouldNotBeWrittenDownForAnyReasonIsNamed) {
  start({.at = [this](const char* at) {
    if (std::string_view(at) == "answered")
      sql("ALTER TABLE instructions RENAME COLUMN outcome_at TO gone");
  }});
  const std::string id = named_by(pay());
  sql("ALTER TABLE instructions RENAME COLUMN gone TO outcome_at");
  start();
  pass(15min);
  expect_paid_once(id);
}

TEST_F(InDoubt, BeforeTheIntentNothingWasDone) {
  end_sessions_that("INSERT ON payouts", "");
  EXPECT_EQ(pay().code(), "database_unavailable");
  sql("DROP TRIGGER ends ON payouts");
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
}

// A run that was resumed: the first one may have paid, though this one could not look.
TEST_F(InDoubt, ARepetitionThatCannotLookSaysNotThatNothingWasDone) {
  lose_the_database_at("answered");
  const std::string id = named_by(pay("k1"));
  bring_it_back();
  sql("ALTER TABLE payouts RENAME TO hidden_payouts");
  sql("CREATE FUNCTION lost() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
      " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN false; END $$");
  sql("CREATE VIEW payouts AS SELECT * FROM hidden_payouts WHERE lost()");
  const auto again = pay("k1");
  EXPECT_EQ(again.status, 503);
  EXPECT_EQ(again.code(), "outcome_unknown") << again.body;
  sql("DROP VIEW payouts");
  sql("ALTER TABLE hidden_payouts RENAME TO payouts");
  pass(15min);
  expect_paid_once(id);
}

TEST_F(InDoubt, ACancellationWhoseEndIsNotKnownIsNamed) {
  const std::string id = pay_expecting("pending");
  lose_the_database_at("cancel_answered");
  EXPECT_EQ(named_by(send("POST", "/api/payouts/" + id + "/cancel", key)), id);
  bring_it_back();
  EXPECT_EQ(moved()[0]["reversed"], true);
  EXPECT_EQ(send("POST", "/api/payouts/" + id + "/cancel", key).status, 200);
  EXPECT_EQ(status(id), "canceled");
}

TEST_F(InDoubt, ASettlementOfAReviewIsNamed) {
  fault_of_creation({{"do", "status"}, {"status", 500}, {"stored", true}});
  const std::string id = pay_expecting("processing");
  sql("UPDATE instructions SET state = 'needs_review' RETURNING ''");
  clock.advance(10min);
  lose_the_database_at("looked");
  const auto settled = service->payouts.settle_not_paid(*PayoutId::parse(id), {"ada", "not there"});
  EXPECT_EQ(settled.error().code, "outcome_unknown");
  ASSERT_EQ(settled.error().details.size(), 1u);
  EXPECT_EQ(settled.error().details[0].message, id);
  bring_it_back();
  EXPECT_TRUE(service->payouts.settle_not_paid(*PayoutId::parse(id), {"ada", "not there"}));
  EXPECT_EQ(status(id), "failed");
}

// Stripe's words hold a byte that PostgreSQL can't keep.
TEST_F(InDoubt, ARefusalWithANulByteIsKept) {
  fault_of_creation({{"do", "status"},
                     {"status", 400},
                     {"code", "balance_insufficient"},
                     {"message", std::string("no\0money", 8)}});
  const auto refused = pay("k1");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(refused.code(), "balance_insufficient");
  expect_not_paid(sql("SELECT id::text FROM payouts"), "balance_insufficient");
}

}  // namespace
}  // namespace payoutd::payouts
