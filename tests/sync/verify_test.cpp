// The proof: what is removed, altered or added behind the program's back is seen, named and mended.
#include "sync/verify.h"

#include "sync/world.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct Verify : SyncTest {
  void alter(const std::string& statement) {
    const auto done = db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(statement);
      return {};
    });
    ASSERT_TRUE(done.ok());
  }
  BalanceCheck check_of(const std::string& account, const std::string& currency) {
    const auto found = completeness(db(), platform, account);
    EXPECT_TRUE(found.ok());
    for (const BalanceCheck& check : found->balances) {
      if (check.currency().str() == currency) return check;
    }
    ADD_FAILURE() << "no check of " << account << ' ' << currency;
    return {};
  }
  // A settled charge of the platform's, older than any look back of an increment.
  std::string some_row(int nth) {
    return text(fmt::format(
        "SELECT stripe_id FROM balance_transactions WHERE account = '{}' AND type = 'charge'"
        " AND status = 'available' AND created < to_timestamp({}) ORDER BY created LIMIT 1 OFFSET "
        "{}",
        sim.platform(), kMondayNoon - 14 * 86'400, nth));
  }
  std::string currency_of(const std::string& row) {
    return text("SELECT currency FROM balance_transactions WHERE stripe_id = '" + row + "'");
  }
  static std::string day_of(const BalanceCheck& check) {
    return check.first_day ? pg::detail::day_text(*check.first_day) : "";
  }
};

TEST_F(Verify, AMissingRowIsSeenNamedAndMended) {
  expect_succeeded(sync());
  const std::string row = some_row(0);
  const std::string currency = currency_of(row);
  const std::string day = text(
      "SELECT (created AT TIME ZONE 'UTC')::date::text FROM balance_transactions WHERE stripe_id = "
      "'" +
      row + "'");
  const std::int64_t net =
      number("SELECT net FROM balance_transactions WHERE stripe_id = '" + row + "'");
  alter("DELETE FROM balance_transactions WHERE stripe_id = '" + row + "'");
  wait(5s);
  sync({.verify_only = true});
  const BalanceCheck check = check_of(sim.platform(), currency);
  EXPECT_EQ(check.state, CheckState::different);
  EXPECT_EQ(check.difference().minor, net);
  EXPECT_EQ(day_of(check), day);
  EXPECT_EQ(check.missing, std::vector<std::string>{row});
  sync({.repair = true});
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(Verify, AnAlteredRowIsSeenNamedAndMended) {
  expect_succeeded(sync());
  const std::string row = some_row(1);
  const std::string currency = currency_of(row);
  alter("UPDATE balance_transactions SET net = net + 7, amount = amount + 7 WHERE stripe_id = '" +
        row + "'");
  wait(5s);
  sync({.verify_only = true});
  const BalanceCheck check = check_of(sim.platform(), currency);
  EXPECT_EQ(check.difference().minor, -7);
  EXPECT_EQ(check.altered, std::vector<std::string>{row});
  wait(5s);
  sync({.repair = true});
  EXPECT_EQ(mirrored(), simulated());
  expect_whole();
}

TEST_F(Verify, ARowThatStripeDoesNotHaveIsSeenNamedAndRemoved) {
  expect_succeeded(sync());
  const std::string like = some_row(2);
  const std::string currency = currency_of(like);
  alter(
      "INSERT INTO balance_transactions (organization_id, account, stripe_id, amount, currency, "
      "net, fee, type,"
      " reporting_category, available_on, created, status, balance_type, shown_at, digest)"
      " SELECT organization_id, account, 'txn_1Invented', 500, currency, 500, 0, type, "
      "reporting_category, available_on,"
      " created, status, balance_type, shown_at, digest FROM balance_transactions WHERE stripe_id "
      "= '" +
      like + "'");
  wait(5s);
  sync({.verify_only = true});
  const BalanceCheck check = check_of(sim.platform(), currency);
  EXPECT_EQ(check.difference().minor, -500);
  EXPECT_EQ(check.surplus, std::vector<std::string>{"txn_1Invented"});
  sync({.repair = true});
  EXPECT_EQ(number("SELECT count(*) FROM balance_transactions WHERE stripe_id = 'txn_1Invented'"),
            0);
  expect_whole();
}

TEST_F(Verify, APayoutWhoseTransactionsDoNotSumToItIsNamed) {
  expect_succeeded(sync());
  const std::string payout = text(
      "SELECT stripe_payout_id FROM payouts WHERE automatic AND members_checked_at IS NOT NULL"
      " AND status = 'paid' ORDER BY created LIMIT 1");
  alter(
      "UPDATE balance_transactions SET payout_id = NULL WHERE stripe_id = (SELECT stripe_id FROM "
      "balance_transactions"
      " WHERE payout_id = '" +
      payout + "' AND type <> 'payout' ORDER BY stripe_id LIMIT 1)");
  sync({.verify_only = true});
  std::size_t named = 0;
  for (const OrgId organization : {platform, tenant}) {
    const auto found = completeness(db(), organization, std::nullopt);
    ASSERT_TRUE(found.ok());
    for (const PayoutCheck& check : found->payouts)
      named += check.payout == payout && check.found != check.amount;
  }
  EXPECT_EQ(named, 1u);
  wait(5s);
  sync({.repair = true});
  expect_whole();
}

TEST_F(Verify, AnOrdinaryRunChecksThePayoutsThatWereListedSinceAndThoseThatWereWrong) {
  expect_succeeded(sync());
  const std::string payout = text(
      "SELECT stripe_payout_id FROM payouts WHERE automatic AND members_checked_at IS NOT NULL"
      " AND status = 'paid' ORDER BY created LIMIT 1");
  const auto wrong = [&] {
    return number("SELECT count(*) FROM mirror_payout_checks WHERE stripe_payout_id = '" + payout +
                  "'");
  };
  const std::string member = text("SELECT stripe_id FROM balance_transactions WHERE payout_id = '" +
                                  payout + "' AND type <> 'payout' ORDER BY stripe_id LIMIT 1");
  wait(std::chrono::days(2));
  alter("UPDATE balance_transactions SET payout_id = NULL WHERE stripe_id = '" + member + "'");
  alter(fmt::format("UPDATE payouts SET members_checked_at = '{}' WHERE stripe_payout_id = '{}'",
                    to_iso(clock.now()), payout));
  expect_succeeded(sync());
  EXPECT_EQ(wrong(), 1);
  wait(std::chrono::days(2));
  expect_succeeded(sync());
  EXPECT_EQ(wrong(), 1);  // nothing came since, and it is still wrong
  alter("UPDATE balance_transactions SET payout_id = '" + payout + "' WHERE stripe_id = '" +
        member + "'");
  expect_succeeded(sync());
  EXPECT_EQ(wrong(), 0);
  expect_whole();
}

TEST_F(Verify, AllPayoutsAreCheckedOnceAWeek) {
  expect_succeeded(sync());
  const std::string payout = text(
      "SELECT stripe_payout_id FROM payouts WHERE automatic AND members_checked_at IS NOT NULL"
      " AND status = 'paid' ORDER BY created LIMIT 1");
  wait(std::chrono::days(8));
  alter(
      "UPDATE balance_transactions SET payout_id = NULL WHERE stripe_id = (SELECT stripe_id"
      " FROM balance_transactions WHERE payout_id = '" +
      payout +
      "' AND type <> 'payout'"
      " ORDER BY stripe_id LIMIT 1)");
  expect_succeeded(sync());
  EXPECT_EQ(
      number("SELECT count(*) FROM mirror_payout_checks WHERE stripe_payout_id = '" + payout + "'"),
      1);
}

}  // namespace
}  // namespace payoutd::sync
