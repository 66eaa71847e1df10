// The balance report against sums over the simulated Stripe's list, and against its balance.
#include "reports/world.h"

namespace payoutd::reports {
namespace {

bool is_payout(const Listed& row) {
  return row.category == "payout" || row.category == "payout_reversal";
}

struct BalanceReport : ReportsTest {
  BalanceReport() {
    for (const std::string& account : accounts_of_platform()) {
      CHECK(sim.activity(account, {{"charges", 4}, {"refunds", 1}}).ok());
    }
    wait(std::chrono::hours(60));
    CHECK(sim.activity(sim.platform(), {{"charges", 2}}).ok());
    expect_succeeded(sync());
  }

  void expect_to_the_cent(const std::vector<Listed>& rows, const Json& report,
                          const std::string& where) {
    const auto begin = to_unix(*parse_time(report["start"].get<std::string>()));
    const auto end = to_unix(*parse_time(report["end"].get<std::string>()));
    const auto of = [&](std::int64_t from, std::int64_t to, const Chosen& chosen) {
      return sum(rows, &Listed::net, [&](const Listed& row) {
        return row.currency == report["currency"] && row.created >= from && row.created < to &&
               chosen(row);
      });
    };
    const auto all = [](const Listed&) { return true; };
    EXPECT_EQ(report["starting_balance"], of(0, begin, all)) << where;
    EXPECT_EQ(report["ending_balance"], of(0, end, all)) << where;
    EXPECT_EQ(report["payouts"]["net"], of(begin, end, is_payout)) << where;
    EXPECT_EQ(report["activity"]["net"],
              of(begin, end, [](const Listed& row) { return !is_payout(row); }))
        << where;
    EXPECT_EQ(report["starting_balance"].get<std::int64_t>() +
                  report["activity"]["net"].get<std::int64_t>() +
                  report["payouts"]["net"].get<std::int64_t>(),
              report["ending_balance"])
        << where;
    for (const Json& category : report["activity"]["categories"]) {
      const Chosen chosen = [&](const Listed& row) {
        return row.category == category["reporting_category"] &&
               row.currency == report["currency"] && row.created >= begin && row.created < end;
      };
      EXPECT_EQ(category["count"], count(rows, chosen)) << where << category;
      EXPECT_EQ(category["gross"], sum(rows, &Listed::amount, chosen)) << where << category;
      EXPECT_EQ(category["fee"], sum(rows, &Listed::fee, chosen)) << where << category;
      EXPECT_EQ(category["net"], sum(rows, &Listed::net, chosen)) << where << category;
    }
  }
};

TEST_F(BalanceReport, AddsUpFromAnyInstantToAnyOther) {
  for (const std::string& account : accounts_of_platform()) {
    const auto rows = listed(account);
    for (const char* span :
         {"startDate=2025-12-20&endDate=2026-01-03", "startDate=2025-01-01&endDate=2025-12-25",
          "startDate=2025-12-24T17:31:07Z&endDate=2026-01-02T03:04:05Z",
          "startDate=2026-01-05T12:00:00Z&endDate=2026-01-05T12:00:01Z",
          "startDate=2025-12-31&endDate=2025-12-31&timezone=Pacific/Auckland",
          "startDate=2025-12-31&endDate=2025-12-31&timezone=Asia/Kathmandu"}) {
      const std::string target = "balance?account=" + account + "&" + span;
      expect_to_the_cent(rows, report(target), target);
    }
  }
}

TEST_F(BalanceReport, OfAllAccountsIsTheSumOfTheirs) {
  const auto rows = listed(accounts_of_platform());
  for (const char* currency : {"usd", "eur", "gbp"}) {
    const Json report = this->report(
        fmt::format("balance?currency={}&startDate=2025-12-22&endDate=2026-01-06", currency));
    expect_to_the_cent(rows, report, currency);
    EXPECT_GT(report["activity"]["categories"].size(), 1u);
  }
}

TEST_F(BalanceReport, EndsNowWhereStripesBalanceIs) {
  for (const std::string& account : accounts_of_platform()) {
    const Json balance =
        ask("GET", "/v1/balance", Json::object(), account == sim.platform() ? "" : account);
    std::map<std::string, std::int64_t> by_currency;
    for (const char* part : {"available", "pending"}) {
      for (const Json& one : balance[part])
        by_currency[one["currency"]] += one["amount"].get<std::int64_t>();
    }
    ASSERT_FALSE(by_currency.empty());
    for (const auto& [currency, amount] : by_currency) {
      EXPECT_EQ(report("balance?account=" + account + "&currency=" + currency)["ending_balance"],
                amount)
          << account << ' ' << currency;
    }
  }
}

TEST_F(BalanceReport, AsCsvBeginsAndEndsWithTheBalances) {
  const std::string query =
      "/api/reports/balance?account=" + sim.platform() + "&startDate=2025-12-22&endDate=2026-01-06";
  const Json report = Json::parse(get(query).body);
  const std::string text = get(query + "&format=csv").body;
  EXPECT_TRUE(text.starts_with(
      "section,reporting_category,currency,count,gross,fee,net\r\nstarting_balance,,usd,,,," +
      report["starting_balance_decimal"].get<std::string>() + "\r\n"))
      << text;
  EXPECT_TRUE(text.ends_with("ending_balance,,usd,,,," +
                             report["ending_balance_decimal"].get<std::string>() + "\r\n"))
      << text;
}

}  // namespace
}  // namespace payoutd::reports
