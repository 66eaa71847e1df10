// Each payout against the simulated Stripe's own list of its transactions.
#include "reports/world.h"

namespace payoutd::reports {
namespace {

struct PayoutReconciliation : ReportsTest {
  PayoutReconciliation() { expect_succeeded(sync()); }

  // All pages of the report.
  std::vector<Json> all(const std::string& query, const std::string& by) {
    std::vector<Json> payouts;
    std::string cursor;
    do {
      const Json page = report(
          "payout-reconciliation?" + query + (cursor.empty() ? "" : "&cursor=" + cursor), by);
      for (const Json& one : page["data"]) payouts.push_back(one);
      cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
    } while (!cursor.empty());
    return payouts;
  }
  static constexpr const char* kSpan = "startDate=2025-12-01&endDate=2026-01-31&limit=3";
};

TEST_F(PayoutReconciliation, EveryAutomaticPayoutIsTheSumOfItsTransactions) {
  std::size_t complete = 0;
  for (const std::string& account : accounts_of_platform()) {
    const auto made = list("/v1/payouts", account);
    std::size_t met = 0;
    for (const char* currency : {"usd", "eur", "gbp"}) {
      for (const Json& one :
           all(fmt::format("{}&account={}&currency={}", kSpan, account, currency), key)) {
        const std::string id = one["stripe_payout_id"];
        const auto payout =
            std::ranges::find_if(made, [&](const Json& p) { return p["id"] == id; });
        ASSERT_NE(payout, made.end()) << id;
        ++met;
        EXPECT_EQ(one["amount"], (*payout)["amount"]);
        if (!one["complete"].get<bool>()) {
          EXPECT_NE((*payout)["reconciliation_status"], "completed") << one;
          EXPECT_FALSE(one["why"].is_null());
          continue;
        }
        ++complete;
        std::map<std::string, std::array<std::int64_t, 4>> categories;
        std::int64_t net = 0;
        for (const Json& row : list("/v1/balance_transactions", account, {{"payout", id}})) {
          if (row["source"] == id && row["type"] == "payout") continue;
          auto& sums = categories[row["reporting_category"]];
          sums[0] += 1;
          sums[1] += row["amount"].get<std::int64_t>();
          sums[2] += row["fee"].get<std::int64_t>();
          sums[3] += row["net"].get<std::int64_t>();
          net += row["net"].get<std::int64_t>();
        }
        EXPECT_EQ(one["net"], net) << id;
        EXPECT_EQ(one["net"], one["amount"]) << id;
        EXPECT_EQ(one["difference"], 0) << id;
        ASSERT_EQ(one["categories"].size(), categories.size()) << id;
        for (const Json& category : one["categories"]) {
          const auto& sums = categories[category["reporting_category"]];
          EXPECT_EQ(category["count"], sums[0]) << id << category;
          EXPECT_EQ(category["gross"], sums[1]) << id << category;
          EXPECT_EQ(category["fee"], sums[2]) << id << category;
          EXPECT_EQ(category["net"], sums[3]) << id << category;
        }
      }
    }
    EXPECT_EQ(met, made.size()) << account;
  }
  EXPECT_GT(complete, 5u);
}

TEST_F(PayoutReconciliation, ManualAndInstantPayoutsAreListedWithoutTransactions) {
  const auto payouts = all(std::string(kSpan) + "&currency=usd", tenant_key);
  ASSERT_FALSE(payouts.empty());
  for (const Json& one : payouts) {
    EXPECT_FALSE(one["itemised"].get<bool>());
    EXPECT_FALSE(one["complete"].get<bool>());
    EXPECT_TRUE(one["difference"].is_null());
    EXPECT_TRUE(one["why"].get<std::string>().contains("Stripe has no transactions for it"));
    EXPECT_TRUE(one["categories"].empty());
  }
}

TEST_F(PayoutReconciliation, OfOnePayoutByEitherOfItsIds) {
  const Json page =
      report("payout-reconciliation?" + std::string(kSpan) + "&account=" + sim.connected()[0]);
  const Json& first = page["data"][0];
  for (const char* field : {"id", "stripe_payout_id"}) {
    const Json one = report("payout-reconciliation?payout=" + first[field].get<std::string>());
    ASSERT_EQ(one["data"].size(), 1u);
    EXPECT_EQ(one["data"][0], first);
    EXPECT_TRUE(one["start"].is_null());
    EXPECT_EQ(one["currency"], first["currency"]);
  }
  const std::string target =
      "/api/reports/payout-reconciliation?payout=" + first["id"].get<std::string>();
  EXPECT_EQ(get(target, tenant_key).status, 404);
  EXPECT_EQ(get(target + "&account=" + sim.platform()).status, 404);
  EXPECT_EQ(get("/api/reports/payout-reconciliation?payout=po_none").code(), "payout_not_found");
}

TEST_F(PayoutReconciliation, SaysWhatIsMissing) {
  const std::string account = sim.connected()[0];
  const Json before =
      report("payout-reconciliation?startDate=2025-12-01&limit=100&account=" + account);
  const auto whole = std::ranges::find_if(
      before["data"], [](const Json& one) { return one["complete"].get<bool>(); });
  ASSERT_NE(whole, before["data"].end());
  const std::string payout = (*whole)["stripe_payout_id"];
  const auto removed = db().transact([&](pg::Tx& tx) -> Result<std::int64_t> {
    return tx
        .exec_unnamed(
            "DELETE FROM balance_transactions WHERE stripe_id = (SELECT min(stripe_id) FROM "
            "balance_transactions"
            " WHERE payout_id = '" +
            payout + "' AND type = 'charge') RETURNING net")
        .one()
        .get<std::int64_t>(0);
  });
  const Json one = report("payout-reconciliation?payout=" + payout)["data"][0];
  EXPECT_EQ(one["difference"], *removed);
  EXPECT_FALSE(one["complete"].get<bool>());
  EXPECT_EQ(one["why"], "its transactions do not add up to its amount");
}

TEST_F(PayoutReconciliation, AsCsvHasALineForEachCategory) {
  const std::string query =
      "/api/reports/payout-reconciliation?" + std::string(kSpan) + "&account=" + sim.connected()[0];
  const auto answered = get(query + "&format=csv");
  const Json page = Json::parse(get(query).body);
  std::size_t lines = 1;
  for (const Json& one : page["data"]) lines += std::max<std::size_t>(1, one["categories"].size());
  EXPECT_EQ(std::ranges::count(answered.body, '\n'), lines);
  EXPECT_EQ(answered.header("x-next-cursor"), page["next_cursor"].get<std::string>());
}

}  // namespace
}  // namespace payoutd::reports
