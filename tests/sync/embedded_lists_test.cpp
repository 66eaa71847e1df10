// Lists inside objects, of which Stripe shows the first elements, are read to their end.

#include "mirror/mirror_jobs.h"
#include "sync/world.h"

namespace payoutd::sync {
namespace {

using namespace std::chrono_literals;

struct EmbeddedLists : SyncTest {
  // Twelve items of 10.00 a month each.
  std::string subscribe() {
    const std::string customer = ask("POST", "/v1/customers", {{"name", "Twelve"}})["id"];
    const std::string product = ask("POST", "/v1/products", {{"name", "Seat"}})["id"];
    Json items = Json::array();
    for (int i = 0; i < 12; ++i) {
      items.push_back({{"price_data",
                        {{"currency", "usd"},
                         {"product", product},
                         {"unit_amount", 1'000},
                         {"recurring", {{"interval", "month"}}}}}});
    }
    const Json made = ask("POST", "/v1/subscriptions",
                          {{"customer", customer}, {"items", items}, {"trial_period_days", 30}});
    EXPECT_EQ(made["items"]["data"].size(), 10u);
    EXPECT_EQ(made["items"]["has_more"], true);
    return made["id"];
  }
  std::string shown(const std::string& subscription) {
    return text(
        fmt::format("SELECT format('%s items, %s a year, cut: %s', jsonb_array_length(items),"
                    " annual_amount, cut) FROM subscriptions WHERE stripe_id = '{}'",
                    subscription));
  }
  static constexpr const char* kWhole = "12 items, 144000.000000 a year, cut: f";
};

TEST_F(EmbeddedLists, ASubscriptionIsMirroredWithAllItsItems) {
  const std::string subscription = subscribe();
  expect_succeeded(sync());
  EXPECT_EQ(shown(subscription), kWhole);
  // Its events show ten of them.
  ask("POST", "/v1/subscriptions/" + subscription, {{"description", "changed"}});
  wait(60s);
  expect_succeeded(sync());
  EXPECT_EQ(shown(subscription), kWhole);
}

TEST_F(EmbeddedLists, AFetchedSubscriptionHasAllItsItems) {
  const std::string subscription = subscribe();
  const auto fetched = mirror::fetch_and_apply(db(), *client, appliers,
                                               {.organization = platform,
                                                .account = sim.platform(),
                                                .stripe_header = "",
                                                .type = "subscription",
                                                .stripe_ids = {subscription}});
  ASSERT_TRUE(fetched.ok());
  EXPECT_EQ(shown(subscription), kWhole);
  EXPECT_TRUE(fetched->refetch.empty());
}

TEST_F(EmbeddedLists, AFeesRefundsAreMirroredAll) {
  const Json fee = ask("GET", "/v1/application_fees", {{"limit", 1}})["data"][0];
  const std::string id = fee["id"];
  ASSERT_EQ(fee["amount_refunded"], 0);
  for (int i = 0; i < 12; ++i)
    ask("POST", "/v1/application_fees/" + id + "/refunds", {{"amount", 1}});
  const Json refunded = ask("GET", "/v1/application_fees/" + id);
  ASSERT_EQ(refunded["amount_refunded"], 12);
  ASSERT_EQ(refunded["refunds"]["has_more"], true);
  expect_succeeded(sync());
  EXPECT_EQ(
      number(fmt::format("SELECT count(*) FROM application_fee_refunds WHERE fee_id = '{}'", id)),
      12);
  EXPECT_EQ(number("SELECT count(*) FROM application_fees WHERE cut"), 0);
}

}  // namespace
}  // namespace payoutd::sync
