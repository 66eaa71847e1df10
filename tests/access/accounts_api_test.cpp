#include "access/world.h"

namespace payoutd::access {
namespace {

struct AccountsApi : AccessTest {
  void connect(OrgId of, const std::string& id) {
    ASSERT_TRUE(db().transact([&](pg::Tx& tx) {
      return connect_account(tx, of,
                             {.fields = {.stripe_account = id, .name = "Shop"},
                              .version = {from_unix(1)},
                              .joined_at = from_unix(1)});
    }));
  }
};

TEST_F(AccountsApi, ShowsTheOrganizationsOwn) {
  connect(org, "acct_1");
  connect(org, "acct_2");
  connect(other, "acct_3");
  serve();
  const Json all = get("/api/accounts?include=total", key(Role::viewer)).json();
  ASSERT_EQ(all.at("data").size(), 2u) << all.dump();
  EXPECT_EQ(all.at("total"), 2);
  EXPECT_EQ(all.at("data")[0].at("id"), "acct_1");
  EXPECT_EQ(all.at("data")[0].at("is_default"), true);
  EXPECT_EQ(all.at("data")[1].at("is_default"), false);
  EXPECT_EQ(all.at("data")[1].at("status"), "active");
  const Json first = get("/api/accounts?limit=1", key(Role::viewer)).json();
  EXPECT_EQ(first.at("has_more"), true);
  const std::string cursor = first.at("next_cursor");
  const Json second = get("/api/accounts?cursor=" + cursor, key(Role::viewer)).json();
  ASSERT_EQ(second.at("data").size(), 1u);
  EXPECT_EQ(second.at("data")[0].at("id"), "acct_2");
  EXPECT_EQ(get("/api/accounts?cursor=nonsense", key(Role::viewer)).code(), "invalid_cursor");
}

TEST_F(AccountsApi, AnAdminChoosesTheDefault) {
  connect(org, "acct_1");
  connect(org, "acct_2");
  connect(other, "acct_3");
  serve();
  const auto choose = [&](const std::string& id, const Secret& by) {
    return send("PUT", "/api/accounts/" + id + "/default", by);
  };
  EXPECT_EQ(choose("acct_2", key(Role::operator_)).status, 403);
  EXPECT_EQ(choose("acct_3", key(Role::admin)).code(), "account_not_found");
  EXPECT_EQ(choose("acct_3", key(Role::admin)).status, 404);
  const Answer told =
      send("PUT", "/api/accounts/acct_2/default", key(Role::admin), {}, R"({"account": "acct_1"})");
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(told.code(), "parameter_unknown");
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt)->id(), "acct_1");
  const Answer chosen = choose("acct_2", key(Role::admin));
  ASSERT_EQ(chosen.status, 200) << chosen.body;
  EXPECT_EQ(chosen.json().at("is_default"), true);
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt)->id(), "acct_2");
  EXPECT_EQ(pick_account_to_pay_from(db(), other, std::nullopt)->id(), "acct_3");
}

}  // namespace
}  // namespace payoutd::access
