// What the reports refuse, and that their documentation tells of every field they answer.
#include "http/openapi.h"
#include "reports/world.h"

namespace payoutd::reports {
namespace {

struct ReportsApi : ReportsTest {
  ReportsApi() : ReportsTest(sim::Demo::none) { connect(platform, kAccount); }
  static constexpr const char* kAccount = "acct_1ApiDemo0000001";
};

constexpr const char* kReports[] = {"revenue", "fees", "customers", "payout-reconciliation",
                                    "balance"};

TEST_F(ReportsApi, AllMistakesAreToldAtOnce) {
  const auto answered =
      get("/api/reports/revenue?groupBy=hour&timezone=Mars/"
          "Olympus&currency=xx&startDate=soon&limits=1");
  EXPECT_EQ(answered.status, 400);
  std::set<std::string> wrong;
  const Json answer = Json::parse(answered.body);
  for (const Json& detail : answer["error"]["details"]) wrong.insert(detail["param"]);
  EXPECT_EQ(wrong,
            (std::set<std::string>{"groupBy", "timezone", "currency", "startDate", "limits"}));
}

TEST_F(ReportsApi, EachMistakeHasItsCode) {
  for (const char* report : kReports) {
    const std::string path = std::string("/api/reports/") + report + "?currency=usd&";
    EXPECT_EQ(get(path + "timezone=Nowhere").code(), "timezone_unknown");
    EXPECT_EQ(get(path + "startDate=2026-02-01&endDate=2026-01-31").code(), "end_before_start");
    EXPECT_EQ(get(path + "startDate=2026-02-01T00:00:00Z&endDate=2026-02-01T00:00:00Z").code(),
              "end_before_start");
    EXPECT_EQ(get(path + "startDate=2010-01-01&endDate=2026-01-31").code(), "period_too_long");
    EXPECT_EQ(get(path + "startDate=2026-02-30").code(), "invalid_date");
    EXPECT_EQ(get(path + "format=xml").code(), "parameter_invalid");
    EXPECT_EQ(get(path + "account=acct_1Nobody00000001").code(), "account_not_found");
    EXPECT_EQ(get(path + "account=%27%3B--").status, 404);
    EXPECT_EQ(get(path, "wrong").status, 401);
    EXPECT_EQ(get(path).status, 200) << report << get(path).body;
  }
  EXPECT_EQ(get("/api/reports/customers?currency=usd&limit=101").code(), "parameter_invalid");
  EXPECT_EQ(get("/api/reports/payout-reconciliation?currency=usd&cursor=wrong").code(),
            "invalid_cursor");
  EXPECT_EQ(get("/api/reports/fees?currency=usd&groupBy=day").code(), "parameter_unknown");
}

TEST_F(ReportsApi, AMonthlyReportMayBeOfMoreYearsThanADailyOne) {
  const Json report =
      this->report("revenue?currency=usd&startDate=2000-01-01&endDate=2025-12-31&groupBy=month");
  EXPECT_EQ(report["periods"].size(), 26u * 12);
}

TEST_F(ReportsApi, AnAccountWithoutACurrencyAsksForOne) {
  EXPECT_EQ(get("/api/reports/balance").code(), "currency_needed");
  EXPECT_EQ(get("/api/reports/balance?currency=eur").status, 200);
}

TEST_F(ReportsApi, OneSpellingOfADateIsEnough) {
  const Json one = report("balance?currency=usd&from_date=2026-01-01&to_date=2026-01-02");
  const Json other = report("balance?currency=usd&dateFrom=2026-01-01&dateTo=1767398400");
  EXPECT_EQ(one["start"], other["start"]);
  EXPECT_EQ(one["end"], "2026-01-03T00:00:00Z");
  EXPECT_EQ(other["end"], "2026-01-03T00:00:00Z");  // an instant is where it ends
}

// Every field of an answer is in the schema, and those that are always there are required.
void expect_described(const Json& schema, const Json& value, const std::string& where) {
  if (value.is_array()) {
    for (const Json& one : value) expect_described(schema["items"], one, where + "[]");
  }
  if (!value.is_object()) return;
  std::set<std::string> described, required, found;
  for (const auto& [name, unused] : schema["properties"].items()) described.insert(name);
  for (const Json& name : schema["required"]) required.insert(name);
  for (const auto& [name, inner] : value.items()) {
    found.insert(name);
    if (described.contains(name))
      expect_described(schema["properties"][name], inner, where + "." + name);
  }
  EXPECT_TRUE(std::ranges::includes(described, found)) << where;
  EXPECT_EQ(required, found) << where;
}

struct DescribedReports : ReportsTest {
  DescribedReports() { expect_succeeded(sync()); }
};

TEST_F(DescribedReports, HaveTheFieldsThatTheDocumentSaysAndItsExamplesToo) {
  for (const http::Route& route : report_routes(db(), clock)) {
    const Json& content = route.docs.responses["200"]["content"]["application/json"];
    const Json answer = report(route.pattern.substr(std::string("/api/reports/").size()));
    expect_described(content["schema"], answer, route.pattern);
    expect_described(content["schema"], content["example"], route.pattern + " example");
    EXPECT_FALSE(answer["definition"].get<std::string>().empty());
  }
}

}  // namespace
}  // namespace payoutd::reports
