// Revenue to the cent, against the simulated Stripe's own list of balance transactions.
#include <map>

#include "jobs/time_zone.h"
#include "reports/world.h"

namespace payoutd::reports {
namespace {

// What a period comes to when its transactions are added up one by one.
struct Sums {
  std::int64_t revenue = 0, count = 0, refunds = 0, disputes = 0, fees = 0, earned = 0;
  void add(const Listed& row) {
    fees += row.fee;
    if (row.category == "charge" || row.category == "partial_capture_reversal")
      revenue += row.amount;
    if (row.category == "charge") ++count;
    if (row.category == "refund" || row.category == "refund_failure") refunds -= row.amount;
    if (row.category == "dispute" || row.category == "dispute_reversal") disputes -= row.amount;
    if (row.category == "fee" || row.category == "tax") fees -= row.amount;
    if (row.category.starts_with("platform_earning")) earned += row.amount;
  }
};

void expect_equal(const Json& period, const Sums& sums, const std::string& where) {
  EXPECT_EQ(period["count"], sums.count) << where;
  EXPECT_EQ(period["refunds"], sums.refunds) << where;
  EXPECT_EQ(period["disputes"], sums.disputes) << where;
  EXPECT_EQ(period["fees"], sums.fees) << where;
  EXPECT_EQ(period["application_fees_earned"], sums.earned) << where;
  EXPECT_EQ(period["net"], sums.revenue - sums.refunds - sums.disputes - sums.fees + sums.earned)
      << where;
}

struct RevenueReport : ReportsTest {
  RevenueReport() {
    // Days of all kinds: disputes lost and won, refunds, transfers.
    for (const std::string& account : accounts_of_platform()) {
      CHECK(sim.activity(account, {{"charges", 9}, {"refunds", 2}, {"disputes", 2}}).ok());
    }
    CHECK(sim.activity(sim.platform(), {{"transfers", 3}}).ok());
    wait(std::chrono::hours(50));
    CHECK(sim.activity(sim.connected()[0], {{"charges", 5}, {"refunds", 1}}).ok());
    expect_succeeded(sync());
  }

  // The report of one account against its list, for every day, week or month of the zone.
  void expect_to_the_cent(const std::string& account, const std::string& group_by,
                          const char* zone_name, const std::string& span) {
    const std::string target = fmt::format("revenue?account={}&groupBy={}&timezone={}&{}", account,
                                           group_by, zone_name, span);
    const Json report = this->report(target);
    const auto rows = listed(account);
    std::size_t met = 0;
    Sums total;
    for (const Json& period : report["periods"]) {
      const auto begin = to_unix(*parse_time(period["start"].get<std::string>()));
      const auto end = to_unix(*parse_time(period["end"].get<std::string>()));
      Sums sums;
      for (const Listed& row : rows) {
        if (row.created < begin || row.created >= end || row.currency != report["currency"])
          continue;
        sums.add(row);
        total.add(row);
        ++met;
      }
      EXPECT_EQ(period["revenue"], sums.revenue) << target << ' ' << period["date"];
      expect_equal(period, sums, target + " " + period["date"].get<std::string>());
    }
    EXPECT_EQ(report["total"], total.revenue) << target;
    expect_equal(report, total, target);
    EXPECT_GT(met, 0u) << target;
  }
};

TEST_F(RevenueReport, OfEachAccountIsTheSumOfItsTransactions) {
  for (const std::string& account : accounts_of_platform()) {
    expect_to_the_cent(account, "day", "UTC", "startDate=2025-12-10&endDate=2026-01-10");
    expect_to_the_cent(account, "week", "America/New_York",
                       "startDate=2025-12-10&endDate=2026-01-10");
    expect_to_the_cent(account, "month", "Asia/Kathmandu",
                       "startDate=2025-11-01&endDate=2026-02-28");
  }
}

TEST_F(RevenueReport, CutsAtAnyInstant) {
  for (const char* span : {"startDate=2025-12-20T07:03:11Z&endDate=2026-01-05T11:59:59Z",
                           "startDate=2026-01-05T11:00:00Z&endDate=2026-01-05T12:00:01Z",
                           "startDate=2025-12-20T00:00:00%2B05:30&endDate=1767700000"}) {
    expect_to_the_cent(sim.platform(), "day", "Europe/Berlin", span);
  }
}

TEST_F(RevenueReport, DaysAreTheZonesOwn) {
  const Json report = this->report("revenue?account=" + sim.platform() +
                                   "&timezone=Asia/Tokyo&startDate=2025-12-20&endDate=2026-01-05");
  ASSERT_EQ(report["periods"].size(), 17u);
  EXPECT_EQ(report["start"], "2025-12-19T15:00:00Z");
  EXPECT_EQ(report["end"], "2026-01-05T15:00:00Z");
  const auto zone = jobs::find_time_zone("Asia/Tokyo");
  std::map<std::string, std::int64_t> by_day;
  for (const Listed& row : listed(sim.platform())) {
    if (row.currency != report["currency"] || row.category != "charge") continue;
    const auto local = (*zone)->to_local(date::sys_seconds{std::chrono::seconds{row.created}});
    by_day[date::format("%F", date::floor<date::days>(local))] += row.amount;
  }
  for (const Json& period : report["periods"]) {
    EXPECT_EQ(period["revenue"], by_day[period["date"]]) << period["date"];
  }
}

TEST_F(RevenueReport, OverAllAccountsCountsATransferredPaymentOnce) {
  const auto accounts = accounts_of_platform();
  std::set<std::string> far_ends;
  for (const std::string& account : accounts) {
    for (const Json& charge : list("/v1/charges", account)) {
      if (!charge["source_transfer"].is_null()) far_ends.insert(charge["id"]);
    }
    for (const Json& refund : list("/v1/refunds", account)) {
      if (!refund["source_transfer_reversal"].is_null()) far_ends.insert(refund["id"]);
    }
  }
  const Json report = this->report("revenue?currency=usd&startDate=2025-12-01&endDate=2026-01-31");
  Sums sums;
  std::int64_t transferred = 0, payments = 0;
  for (const Listed& row : listed(accounts)) {
    if (row.currency != "usd") continue;
    if (!far_ends.contains(row.source)) {
      sums.add(row);
      continue;
    }
    sums.fees += row.fee;
    if (row.category == "charge") transferred += row.amount, ++payments;
  }
  ASSERT_GT(payments, 0);
  EXPECT_EQ(report["total"], sums.revenue);
  expect_equal(report, sums, "all accounts");
  EXPECT_EQ(report["from_transfers"]["amount"], transferred);
  EXPECT_EQ(report["from_transfers"]["count"], payments);
  EXPECT_TRUE(report["definition"].get<std::string>().contains("left out"));
  // Of one account they are part of its revenue, and shown.
  std::int64_t shown = 0, revenue = 0;
  for (const std::string& account : accounts) {
    const Json one = this->report(
        "revenue?currency=usd&startDate=2025-12-01&endDate=2026-01-31&account=" + account);
    shown += one["from_transfers"]["amount"].get<std::int64_t>();
    revenue += one["total"].get<std::int64_t>();
  }
  EXPECT_EQ(shown, transferred);
  EXPECT_EQ(revenue, report["total"].get<std::int64_t>() + transferred);
}

TEST_F(RevenueReport, EmptyPeriodsAreZeroAndHaveNoAverage) {
  const Json report = this->report("revenue?startDate=2030-01-01&endDate=2030-01-31");
  ASSERT_EQ(report["periods"].size(), 31u);
  for (const Json& period : report["periods"]) {
    EXPECT_EQ(period["revenue"], 0);
    EXPECT_EQ(period["revenue_decimal"], "0.00");
    EXPECT_TRUE(period["average"].is_null());
  }
  EXPECT_EQ(report["total"], 0);
  EXPECT_EQ(report["average"], 0);
}

TEST_F(RevenueReport, AveragesAreOfAPaymentAndOfAPeriod) {
  const Json report = this->report("revenue?account=" + sim.platform() +
                                   "&startDate=2025-12-20&endDate=2026-01-08");
  for (const Json& period : report["periods"]) {
    if (period["count"] == 0) continue;
    const std::int64_t revenue = period["revenue"], count = period["count"];
    EXPECT_EQ(period["average"], (2 * revenue + count) / (2 * count));
  }
  const std::int64_t total = report["total"];
  EXPECT_EQ(report["average"], (2 * total + 20) / 40);
}

TEST_F(RevenueReport, IsTheLastThirtyDaysWhenNothingIsSaid) {
  const Json report = this->report("revenue");
  EXPECT_EQ(report["periods"].size(), 30u);
  EXPECT_EQ(report["timezone"], "UTC");
  EXPECT_EQ(report["periods"].back()["date"], to_iso(clock.now()).substr(0, 10));
  EXPECT_EQ(report["group_by"], "day");
}

TEST_F(RevenueReport, AsCsvHasTheSameFigures) {
  const std::string query =
      "/api/reports/revenue?groupBy=week&startDate=2025-12-01&endDate=2026-01-10";
  const Json report = Json::parse(get(query).body);
  for (const auto& answered :
       {get(query + "&format=csv"), get(query, key, "Accept: text/csv\r\n")}) {
    ASSERT_EQ(answered.status, 200);
    EXPECT_TRUE(answered.header("content-type").starts_with("text/csv"));
    std::string expected =
        "date,currency,revenue,count,average,refunds,disputes,fees,application_fees_earned,net,"
        "from_transfers\r\n";
    for (const Json& p : report["periods"]) {
      const auto text = [&](const char* name) {
        return p[name].is_null() ? "" : p[name].get<std::string>();
      };
      expected += fmt::format(
          "{},{},{},{},{},{},{},{},{},{},{}\r\n", text("date"),
          report["currency"].get<std::string>(), text("revenue_decimal"), p["count"].get<int>(),
          text("average_decimal"), text("refunds_decimal"), text("disputes_decimal"),
          text("fees_decimal"), text("application_fees_earned_decimal"), text("net_decimal"),
          p["from_transfers"]["amount_decimal"].get<std::string>());
    }
    EXPECT_EQ(answered.body, expected);
  }
}

TEST_F(RevenueReport, ADelayedPaymentThatFailedIsTakenOutAgain) {
  const std::string range =
      "revenue?account=" + sim.platform() + "&currency=usd&startDate=2026-01-20&endDate=2026-01-31";
  const auto apply = [&](const std::string& id, const char* type, const char* category,
                         std::int64_t amount, const char* created) {
    show(sim.platform(), {{"id", id},
                          {"object", "balance_transaction"},
                          {"amount", amount},
                          {"fee", 0},
                          {"net", amount},
                          {"currency", "usd"},
                          {"type", type},
                          {"reporting_category", category},
                          {"status", "pending"},
                          {"balance_type", "payments"},
                          {"source", "py_1Delayed"},
                          {"description", nullptr},
                          {"available_on", kMondayNoon},
                          {"created", to_unix(*parse_time(created))},
                          {"exchange_rate", nullptr},
                          {"fee_details", Json::array()}});
  };
  apply("txn_1Delayed", "payment", "charge", 5'000, "2026-01-21T10:00:00Z");
  EXPECT_EQ(report(range)["total"], 5'000);
  EXPECT_EQ(report(range)["count"], 1);
  apply("txn_2Delayed", "payment_failure_refund", "charge_failure", -5'000, "2026-01-25T10:00:00Z");
  const Json after = report(range);
  EXPECT_EQ(after["total"], 0);
  EXPECT_EQ(after["count"], 0);
  EXPECT_EQ(after["periods"][1]["revenue"], 5'000);
  EXPECT_EQ(after["periods"][5]["revenue"], -5'000);
}

TEST_F(RevenueReport, OfCurrenciesOfOtherExponentsAreNeverMixed) {
  struct Shop {
    const char *country, *currency;
    std::int64_t amount;
    std::string decimal;
  };
  for (const Shop& shop :
       {Shop{"JP", "jpy", 12'345, "12345"}, Shop{"KW", "kwd", 12'340, "12.340"}}) {
    const Json made =
        ask("POST", "/v1/accounts",
            {{"type", "custom"}, {"country", shop.country}, {"default_currency", shop.currency}});
    ASSERT_TRUE(made.contains("id")) << made.dump();
    const std::string account = made["id"];
    const Json paid = ask(
        "POST", "/v1/charges",
        {{"amount", shop.amount}, {"currency", shop.currency}, {"source", "tok_visa"}}, account);
    ASSERT_EQ(paid["status"], "succeeded") << paid.dump();
    wait(std::chrono::minutes(10));
    expect_succeeded(sync());
    const Json report = this->report(
        fmt::format("revenue?account={}&startDate=2026-01-01&endDate=2026-01-31", account));
    EXPECT_EQ(report["currency"], shop.currency);
    EXPECT_EQ(report["total"], shop.amount);
    EXPECT_EQ(report["total_decimal"], shop.decimal);
    const Json all = this->report(
        fmt::format("revenue?currency={}&startDate=2026-01-01&endDate=2026-01-31", shop.currency));
    EXPECT_EQ(all["total"], shop.amount);
    const auto in_csv = get(fmt::format(
        "/api/reports/"
        "revenue?account={}&format=csv&startDate=2026-01-01&endDate=2026-01-31&groupBy=month",
        account));
    EXPECT_TRUE(in_csv.body.contains(fmt::format(",{},{},1,", shop.currency, shop.decimal)))
        << in_csv.body;
  }
  const Json usd = report("revenue?currency=USD");
  const auto others = usd["other_currencies"].get<std::set<std::string>>();
  EXPECT_TRUE(others.contains("jpy") && others.contains("kwd") && others.contains("eur"))
      << usd["other_currencies"];
}

TEST_F(RevenueReport, AnotherOrganizationSeesItsOwnOnly) {
  const Json own = report("revenue?startDate=2025-12-01&endDate=2026-01-31", tenant_key);
  std::int64_t expected = 0;
  for (const Listed& row : listed(sim.second_tenant())) {
    if (row.category == "charge" && row.currency == own["currency"]) expected += row.amount;
  }
  EXPECT_EQ(own["total"], expected);
  EXPECT_GT(expected, 0);
  EXPECT_EQ(get("/api/reports/revenue?account=" + sim.platform(), tenant_key).status, 404);
  EXPECT_EQ(get("/api/reports/revenue?account=" + sim.second_tenant()).code(), "account_not_found");
}

}  // namespace
}  // namespace payoutd::reports
