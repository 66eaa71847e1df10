// The fee report against the fee_details of every transaction that the simulated Stripe lists.
#include "reports/fees.h"

#include "reports/world.h"

namespace payoutd::reports {
namespace {

struct FeeReport : ReportsTest {
  FeeReport() {
    for (const std::string& account : accounts_of_platform()) {
      CHECK(sim.activity(account, {{"charges", 6}, {"refunds", 1}, {"disputes", 2}}).ok());
    }
    CHECK(sim.activity(sim.second_tenant(), {{"instant_payouts", 2}}).ok());
    wait(std::chrono::hours(30));
    expect_succeeded(sync());
  }

  static std::int64_t kind(const Json& report, const std::string& name,
                           const char* field = "amount") {
    for (const Json& one : report["kinds"]) {
      if (one["kind"] == name) return one[field];
    }
    ADD_FAILURE() << "no kind " << name;
    return 0;
  }
};

// Of one type in fee_details, over the rows of the categories (of all, when none is named).
std::int64_t details(const std::vector<Listed>& rows, const std::string& type,
                     const std::set<std::string>& categories = {}) {
  std::int64_t total = 0;
  for (const Listed& row : rows) {
    if (!categories.empty() && !categories.contains(row.category)) continue;
    for (const Json& detail : row.fee_details) {
      if (detail["type"] == type) total += detail["amount"].get<std::int64_t>();
    }
  }
  return total;
}

TEST_F(FeeReport, AddsUpToWhatWasPaid) {
  for (const std::string& account : accounts_of_platform()) {
    for (const std::string currency : {"usd", "eur", "gbp"}) {
      std::vector<Listed> rows;
      for (const Listed& row : listed(account)) {
        if (row.currency == currency) rows.push_back(row);
      }
      const Json report = this->report(
          fmt::format("fees?account={}&currency={}&startDate=2025-12-01&endDate=2026-01-31",
                      account, currency));
      const auto is_fee_row = [](const Listed& row) {
        return row.category == "fee" || row.category == "tax";
      };
      const auto everything = [](const Listed&) { return true; };
      const std::int64_t paid =
          sum(rows, &Listed::fee, everything) - sum(rows, &Listed::amount, is_fee_row);
      EXPECT_EQ(report["total_paid"], paid) << account << currency;
      std::int64_t by_kind = 0, by_category = 0;
      for (const Json& one : report["kinds"]) by_kind += one["amount"].get<std::int64_t>();
      for (const Json& one : report["categories"]) by_category += one["amount"].get<std::int64_t>();
      EXPECT_EQ(by_kind, paid);
      EXPECT_EQ(by_category, paid);
      EXPECT_EQ(kind(report, "processing_fees"),
                details(rows, "stripe_fee", {"charge", "partial_capture_reversal"}));
      EXPECT_EQ(kind(report, "dispute_fees"),
                details(rows, "stripe_fee", {"dispute", "dispute_reversal"}));
      EXPECT_EQ(kind(report, "application_fees"), details(rows, "application_fee"));
      EXPECT_EQ(kind(report, "refund_fees"),
                details(rows, "stripe_fee", {"refund", "refund_failure"}));
      EXPECT_EQ(report["application_fees_earned"]["amount"],
                sum(rows, &Listed::amount,
                    [](const Listed& row) { return row.category == "platform_earning"; }));
      EXPECT_EQ(kind(report, "processing_fees", "count"), count(rows, [](const Listed& row) {
                  return row.category == "charge" &&
                         std::ranges::any_of(row.fee_details, [](const Json& detail) {
                           return detail["type"] == "stripe_fee" && detail["amount"] != 0;
                         });
                }));
    }
  }
}

TEST_F(FeeReport, ShowsWhatThePlatformEarnedBesideWhatItsAccountsPaidIt) {
  const Json all = report("fees?currency=usd&startDate=2025-12-01&endDate=2026-01-31");
  EXPECT_GT(kind(all, "application_fees"), 0);
  EXPECT_GT(kind(all, "processing_fees"), 0);
  EXPECT_GT(kind(all, "dispute_fees"), 0);
  EXPECT_GT(all["application_fees_earned"]["amount"].get<std::int64_t>(), 0);
}

TEST_F(FeeReport, TellsInstantPayoutsFromOtherProducts) {
  std::int64_t taken = 0, times = 0;
  for (const Json& row : list("/v1/balance_transactions", sim.second_tenant())) {
    if (row["type"] != "stripe_fee" ||
        !row["description"].get<std::string>().starts_with("Instant payout"))
      continue;
    taken -= row["amount"].get<std::int64_t>();
    ++times;
  }
  ASSERT_GT(times, 1);
  const Json report =
      this->report("fees?currency=usd&startDate=2025-12-01&endDate=2026-01-31", tenant_key);
  EXPECT_EQ(kind(report, "instant_payout_fees"), taken);
  EXPECT_EQ(kind(report, "instant_payout_fees", "count"), times);
  EXPECT_EQ(kind(report, "product_fees"), 0);
}

TEST_F(FeeReport, HoldsWithRevenueAndBalanceOfTheSamePeriod) {
  const std::string query =
      "?currency=usd&startDate=2025-12-24T10:07:00Z&endDate=2026-01-04T22:01:09Z";
  const Json paid = report("fees" + query), sold = report("revenue" + query);
  EXPECT_EQ(paid["total_paid"], sold["fees"]);
}

struct TaxedFees : ReportsTest {
  TaxedFees() : ReportsTest(sim::Demo::none) {
    connect(platform, kAccount);
    add(1, "charge", "charge", 10'000,
        {{"stripe_fee", 250},
         {"tax", 48},
         {"payment_method_passthrough_fee", 17},
         {"withheld_tax", 3}});
    add(2, "charge", "charge", 10'000, {{"stripe_fee", 320}});
    add(3, "stripe_fee", "fee", -500, {});
    add(4, "tax_fee", "tax", -95, {});
    add(5, "stripe_fx_fee", "fee", -40, {});
    add(6, "refund", "refund", -1'000, {{"stripe_fee", -20}});
    add(7, "payout", "payout", -5'000, {{"stripe_fee", 50}});
    add(8, "adjustment", "dispute_reversal", 2'000, {{"stripe_fee", -1'500}});
    add(9, "adjustment", "fee", -7, {});
    add(10, "topup", "topup", 300, {{"stripe_fee", 9}, {"invented_fee", 4}});
  }

  void add(int i, const char* type, const char* category, std::int64_t amount,
           const std::vector<std::pair<std::string, std::int64_t>>& fees) {
    Json details = Json::array();
    std::int64_t fee = 0;
    for (const auto& [name, part] : fees) {
      details.push_back({{"type", name}, {"amount", part}, {"currency", "eur"}});
      fee += part;
    }
    show(kAccount, {{"id", fmt::format("txn_{}", i)},
                    {"object", "balance_transaction"},
                    {"amount", amount},
                    {"fee", fee},
                    {"net", amount - fee},
                    {"currency", "eur"},
                    {"type", type},
                    {"reporting_category", category},
                    {"status", "available"},
                    {"balance_type", "payments"},
                    {"source", nullptr},
                    {"description", nullptr},
                    {"available_on", kMondayNoon},
                    {"created", kMondayNoon - i * 600},
                    {"exchange_rate", nullptr},
                    {"fee_details", details}});
  }

  static constexpr const char* kAccount = "acct_1TaxedDemo00001";
};

// From the rollups, and from the rows where both bounds lie in one quarter of an hour.
TEST_F(TaxedFees, EveryKindOfFeeIsItsOwn) {
  const std::map<std::string, FeeSum> expected = {
      {"processing_fees", {2, 570}}, {"passthrough_fees", {1, 17}},
      {"application_fees", {0, 0}},  {"refund_fees", {1, -20}},
      {"dispute_fees", {1, -1'500}}, {"instant_payout_fees", {1, 50}},
      {"taxes", {2, 143}},           {"withheld_taxes", {1, 3}},
      {"product_fees", {1, 500}},    {"currency_conversion_fees", {1, 40}},
      {"other_fees", {3, 20}}};
  for (const char* span : {"startDate=2026-01-01&endDate=2026-01-05",
                           "startDate=2026-01-05T10:19:59Z&endDate=2026-01-05T11:50:01Z"}) {
    const Json report =
        this->report(fmt::format("fees?account={}&currency=eur&{}", kAccount, span));
    ASSERT_EQ(report["kinds"].size(), expected.size());
    std::int64_t total = 0;
    for (const Json& one : report["kinds"]) {
      const FeeSum& sum = expected.at(one["kind"]);
      EXPECT_EQ(one["amount"], sum.amount) << span << one;
      EXPECT_EQ(one["count"], sum.count) << span << one;
      total += sum.amount;
    }
    EXPECT_EQ(report["total_paid"], total);
  }
}

}  // namespace
}  // namespace payoutd::reports
