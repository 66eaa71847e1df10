// Customers, churn and recurring revenue against the simulated Stripe's own lists, and against
// subscriptions made by hand.
#include "reports/world.h"

namespace payoutd::reports {
namespace {

struct CustomerReport : ReportsTest {
  CustomerReport() {
    for (const std::string& account : accounts_of_platform()) {
      CHECK(sim.activity(account, {{"charges", 6}, {"customers", 2}, {"subscriptions", 2}}).ok());
    }
    CHECK(
        sim.activity(sim.connected()[0], {{"deleted_customers", 1}, {"canceled_subscriptions", 1}})
            .ok());
    wait(std::chrono::hours(30));
    expect_succeeded(sync());
  }
};

TEST_F(CustomerReport, CountsAndNamesWhoPaid) {
  const std::int64_t begin = to_unix(*parse_time("2025-12-20")),
                     end = to_unix(*parse_time("2026-01-08"));
  std::int64_t with_top = 0;
  for (const std::string& account : accounts_of_platform()) {
    std::map<std::string, std::string> customer_of;
    for (const Json& charge : list("/v1/charges", account)) {
      if (charge["customer"].is_string()) customer_of[charge["id"]] = charge["customer"];
    }
    const Json report = this->report(fmt::format(
        "customers?account={}&startDate=2025-12-20&endDate=2026-01-07&limit=100", account));
    std::map<std::string, std::int64_t> revenue, payments;
    std::int64_t guests = 0;
    for (const Listed& row : listed(account)) {
      if (row.created < begin || row.created >= end || row.currency != report["currency"]) continue;
      if (row.category != "charge" && row.category != "partial_capture_reversal") continue;
      const auto customer = customer_of.find(row.source);
      if (customer == customer_of.end()) {
        guests += row.category == "charge";
        continue;
      }
      revenue[customer->second] += row.amount;
      payments[customer->second] += row.category == "charge";
    }
    EXPECT_EQ(report["paying_customers"], revenue.size()) << account;
    EXPECT_EQ(report["guest_payments"], guests) << account;
    ASSERT_EQ(report["top"].size(), revenue.size());
    std::int64_t before = INT64_MAX;
    for (const Json& one : report["top"]) {
      EXPECT_EQ(one["revenue"], revenue[one["customer"]]) << one;
      EXPECT_EQ(one["payments"], payments[one["customer"]]) << one;
      EXPECT_LE(one["revenue"].get<std::int64_t>(), before);
      before = one["revenue"];
      ++with_top;
    }
    std::int64_t fresh = 0;
    for (const Json& customer : list("/v1/customers", account)) {
      const std::int64_t created = customer["created"];
      fresh += created >= begin && created < end;
    }
    EXPECT_GE(report["new_customers"], fresh);  // and those deleted since
    EXPECT_EQ(
        report["new_customers"],
        number(fmt::format(
            "SELECT count(*) FROM customers WHERE account = '{}' AND created >= to_timestamp({})"
            " AND created < to_timestamp({})",
            account, begin, end)));
  }
  EXPECT_GT(with_top, 5);
}

TEST_F(CustomerReport, ValuesTheRunningSubscriptionsExactly) {
  bool any = false;
  for (const std::string& account : accounts_of_platform()) {
    for (const std::string currency : {"usd", "eur", "gbp"}) {
      __int128 annual = 0;
      std::int64_t running = 0;
      std::set<std::string> subscribers;
      for (const Json& subscription : list("/v1/subscriptions", account, {{"status", "all"}})) {
        if (subscription["currency"] != currency) continue;
        if (subscription["status"] != "active" && subscription["status"] != "past_due") continue;
        __int128 worth = 0;
        for (const Json& item : subscription["items"]["data"]) {
          const Json& price = item["price"];
          const std::string interval = price["recurring"]["interval"];
          const int a_year = interval == "month"  ? 12
                             : interval == "year" ? 1
                             : interval == "week" ? 52
                                                  : 365;
          worth += __int128{price["unit_amount"].get<std::int64_t>()} *
                   item["quantity"].get<std::int64_t>() * a_year /
                   price["recurring"]["interval_count"].get<std::int64_t>();
        }
        annual += worth;
        if (worth == 0) continue;
        ++running;
        subscribers.insert(subscription["customer"]);
      }
      const Json report =
          this->report(fmt::format("customers?account={}&currency={}", account, currency));
      EXPECT_EQ(report["active_subscriptions"], running) << account << currency;
      EXPECT_EQ(report["active_subscribers"], subscribers.size()) << account << currency;
      EXPECT_EQ(report["mrr"], static_cast<std::int64_t>((annual * 2 + 12) / 24))
          << account << currency;
      any = any || running > 0;
    }
  }
  EXPECT_TRUE(any);
}

TEST_F(CustomerReport, NamesADeletedCustomerWithoutNameAndAddress) {
  const Json made =
      ask("POST", "/v1/customers", {{"name", "=Leaves()"}, {"email", "leaves@example.com"}});
  const std::string customer = made["id"];
  const Json intent = ask("POST", "/v1/payment_intents",
                          {{"amount", 9'000'000},
                           {"currency", "usd"},
                           {"customer", customer},
                           {"payment_method", "pm_card_visa"},
                           {"confirm", true}});
  ASSERT_EQ(intent["status"], "succeeded") << intent.dump();
  wait(std::chrono::minutes(10));
  expect_succeeded(sync());
  const std::string query = "customers?limit=1&account=" + sim.platform();
  Json top = report(query)["top"][0];
  EXPECT_EQ(top["customer"], customer);
  EXPECT_EQ(top["name"], "=Leaves()");
  EXPECT_EQ(top["revenue"], 9'000'000);
  EXPECT_TRUE(get("/api/reports/" + query + "&format=csv")
                  .body.contains(",'=Leaves(),leaves@example.com,,1,usd,90000.00\r\n"));
  ask("DELETE", "/v1/customers/" + customer);
  wait(std::chrono::minutes(10));
  expect_succeeded(sync());
  const Json after = report(query);
  top = after["top"][0];
  EXPECT_EQ(top["customer"], customer);
  EXPECT_TRUE(top["deleted"].get<bool>());
  EXPECT_TRUE(top["name"].is_null() && top["email"].is_null());
  EXPECT_GE(after["deleted_customers"].get<int>(), 1);
}

struct Subscribers : ReportsTest {
  Subscribers() : ReportsTest(sim::Demo::none) { connect(platform, kAccount); }

  // Days are counted from noon of Monday, January 5, which is now.
  void subscription(const std::string& customer, const char* status, int start,
                    const Json& changes = nullptr, std::int64_t price = 1'000) {
    const std::int64_t begun = day(start);
    Json made{{"id", fmt::format("sub_{}", ++made_)},
              {"object", "subscription"},
              {"customer", customer},
              {"status", status},
              {"currency", "usd"},
              {"created", begun},
              {"start_date", begun},
              {"ended_at", nullptr},
              {"canceled_at", nullptr},
              {"cancel_at", nullptr},
              {"cancel_at_period_end", false},
              {"trial_start", nullptr},
              {"trial_end", nullptr},
              {"pause_collection", nullptr},
              {"discounts", Json::array()},
              {"cancellation_details", nullptr},
              {"latest_invoice", nullptr},
              {"items",
               {{"object", "list"},
                {"has_more", false},
                {"data", Json::array({{{"id", "si_1"},
                                       {"quantity", 1},
                                       {"current_period_start", day(-20)},
                                       {"current_period_end", day(10)},
                                       {"price",
                                        {{"id", "price_1"},
                                         {"product", "prod_1"},
                                         {"unit_amount", price},
                                         {"recurring",
                                          {{"interval", "year"},
                                           {"interval_count", 1},
                                           {"usage_type", "licensed"}}}}}}})}}}};
    if (!changes.is_null()) made.update(changes);
    show(kAccount, made);
  }
  static std::int64_t day(int days) { return kMondayNoon + days * 86'400; }
  Json figures(const std::string& more = "") {
    return report(
        fmt::format("customers?account={}&currency=usd&endDate={}{}", kAccount, kMondayNoon, more));
  }

  static constexpr const char* kAccount = "acct_1ChurnDemo00001";
  int made_ = 0;
};

TEST_F(Subscribers, ChurnIsStripesOwnFormula) {
  for (const char* stays : {"cus_a", "cus_b", "cus_c"}) subscription(stays, "active", -100);
  subscription("cus_d", "past_due", -100);
  subscription("cus_left", "canceled", -100, {{"ended_at", day(-3)}, {"canceled_at", day(-40)}});
  subscription("cus_unpaid", "unpaid", -100);  // owes since 20 days
  subscription("cus_new", "active", -10);
  subscription("cus_came_and_went", "canceled", -25, {{"ended_at", day(-2)}});
  subscription("cus_back", "canceled", -300, {{"ended_at", day(-200)}});    // was one before:
  subscription("cus_back", "active", -5);                                   // not new
  subscription("cus_switched", "canceled", -100, {{"ended_at", day(-4)}});  // has another one
  subscription("cus_switched", "active", -4);
  subscription("cus_gone_long_ago", "canceled", -300, {{"ended_at", day(-100)}});
  subscription("cus_trying", "trialing", -3, {{"trial_end", day(4)}});
  subscription("cus_tried", "canceled", -20,
               {{"trial_end", day(-10)}, {"ended_at", day(-10)}});  // never paid
  subscription("cus_free", "active", -100, nullptr, 0);
  subscription("cus_incomplete", "incomplete", -1);
  const Json report = figures();
  EXPECT_EQ(report["churn"]["active_30_days_before"], 7);  // a b c d left unpaid switched
  EXPECT_EQ(report["churn"]["new"], 2);                    // new, came_and_went
  EXPECT_EQ(report["churn"]["churned"], 3);                // left, unpaid, came_and_went
  EXPECT_EQ(report["churn"]["rate"], "0.3333");
  EXPECT_EQ(report["active_subscriptions"], 7);  // a b c d new back switched
  EXPECT_EQ(report["active_subscribers"], 7);
  EXPECT_EQ(report["mrr"], 583);  // 7,000 / 12 = 583.33
  EXPECT_EQ(report["mrr_decimal"], "5.83");
  // The free one runs too, and the one whose trial ended as it did never ran.
  EXPECT_EQ(report["subscribed_customers"], 11);
}

TEST_F(Subscribers, ACustomerWithTwoSubscriptionsIsOne) {
  subscription("cus_a", "active", -10);
  subscription("cus_a", "active", -10, nullptr, 2'000);
  const Json report = figures();
  EXPECT_EQ(report["active_subscriptions"], 2);
  EXPECT_EQ(report["active_subscribers"], 1);
  EXPECT_EQ(report["unique_customers"], 1);
  EXPECT_EQ(report["churn"]["rate"], "0.0000");
  EXPECT_EQ(report["mrr"], 250);
}

TEST_F(Subscribers, NobodyCanChurnWhereNobodyWas) {
  const Json report = figures();
  EXPECT_TRUE(report["churn"]["rate"].is_null());
  EXPECT_EQ(report["unique_customers"], 0);
  EXPECT_EQ(report["mrr"], 0);
}

TEST_F(Subscribers, MonthlyValueIsRoundedOnceAtTheEnd) {
  // Three times 500 / 12 = 41.67: their sum is 125, not 3 * 42.
  for (const char* customer : {"cus_a", "cus_b", "cus_c"})
    subscription(customer, "active", -10, nullptr, 500);
  EXPECT_EQ(figures()["mrr"], 125);
  subscription("cus_d", "active", -10, nullptr, 6);  // 125.5
  EXPECT_EQ(figures()["mrr"], 126);
}

}  // namespace
}  // namespace payoutd::reports
