// No key of another organization reads, changes or learns of a row: by our id or by Stripe's, it is
// not there.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Tenants : MoneyTest {
  void expect_nothing_there(const std::string& method, const std::string& path) {
    const auto foreign = send(method, path, other_key);
    EXPECT_EQ(foreign.status, 404) << method << ' ' << path << ": " << foreign.body;
    // The same words as for an id that nobody has.
    EXPECT_EQ(foreign.body.find(shop), std::string::npos);
  }
  std::string stripe_id_of(const std::string& id) {
    return get("/api/payouts/" + id)["stripe_payout_id"];
  }
  // The payout's rows of each kind, as they stand.
  std::string all_rows() {
    return sql(
        "SELECT jsonb_build_array((SELECT jsonb_agg(p ORDER BY id) FROM payouts p),"
        " (SELECT jsonb_agg(e ORDER BY id) FROM payout_events e),"
        " (SELECT jsonb_agg(i ORDER BY id) FROM instructions i),"
        " (SELECT jsonb_agg(b ORDER BY stripe_id) FROM balance_transactions b))::text");
  }
};

TEST_F(Tenants, OneSeesNothingOfAnothersPayouts) {
  std::vector<std::string> ids{pay_expecting("pending", "k1")};
  ids.push_back(stripe_id_of(ids[0]));
  ids.push_back(pay_with({{"do", "reset_before"}}, "processing", "k2"));
  ids.push_back(pay_with({{"do", "status"}, {"status", 429}}, "queued", "k3"));
  const std::string before = all_rows();
  for (const std::string& id : ids) {
    EXPECT_EQ(send("GET", "/api/payouts/" + id, key).status, 200);
    for (const char* of : {"", "/timeline", "/audit-trail"}) {
      EXPECT_EQ(send("GET", "/api/payouts/" + id + of, key).status, 200) << of;
      expect_nothing_there("GET", "/api/payouts/" + id + of);
    }
    expect_nothing_there("POST", "/api/payouts/" + id + "/cancel");
  }
  EXPECT_EQ(all_rows(), before);
  EXPECT_EQ(moved().size(), 1u);
}

TEST_F(Tenants, AForeignIdIsNoDifferentFromNone) {
  const std::string id = pay_expecting("pending");
  const auto without_id = [](const http::Answered& answered) {
    Json error = json(answered)["error"];
    error.erase("request_id");
    return error.dump();
  };
  for (const std::string& real : {id, stripe_id_of(id)}) {
    const std::string none = real.starts_with("po_") ? "po_none" : PayoutId::make().str();
    EXPECT_EQ(without_id(send("GET", "/api/payouts/" + real, other_key)),
              without_id(send("GET", "/api/payouts/" + none, other_key)));
    EXPECT_EQ(without_id(send("POST", "/api/payouts/" + real + "/cancel", other_key)),
              without_id(send("POST", "/api/payouts/" + none + "/cancel", other_key)));
  }
}

TEST_F(Tenants, ListsNeverShowIt) {
  pay_expecting("pending");
  for (const char* query : {"", "?status=pending", "?include=total", "?currency=usd", "?limit=100",
                            "?rail=stripe_payout"}) {
    const Json ours = get(std::string("/api/payouts") + query);
    EXPECT_EQ(ours["data"].size(), 1u) << query;
    const Json theirs = json(send("GET", std::string("/api/payouts") + query, other_key));
    EXPECT_EQ(theirs["data"].size(), 0u) << query;
    EXPECT_EQ(theirs.value("total", 0), 0) << query;
  }
  expect_nothing_there("GET", "/api/payouts?account=" + shop);
}

TEST_F(Tenants, NorAnotherAccountsMoney) {
  expect_nothing_there("GET", "/api/balance?account=" + shop);
  EXPECT_EQ(send("GET", "/api/balance?account=" + shop, key).status, 200);
  const Json theirs = json(send("GET", "/api/balance", other_key));
  EXPECT_EQ(theirs["account"], other_shop);
  const auto foreign = send("POST", "/api/payouts", other_key,
                            Json{{"amount", 100}, {"currency", "usd"}, {"account", shop}}.dump());
  EXPECT_EQ(foreign.status, 404) << foreign.body;
  EXPECT_EQ(foreign.code(), "account_not_found");
  EXPECT_EQ(moved().size(), 0u);
  EXPECT_EQ(moved(other_shop).size(), 0u);
  EXPECT_EQ(sql("SELECT count(*)::text FROM payouts"), "0");
}

TEST_F(Tenants, NorItsBalanceTransactions) {
  const Json row = Json::parse(
      sim.call("GET", "/v1/balance_transactions", Json::object(), shop).body)["data"][0];
  see(row["id"], "balance_transaction");
  EXPECT_EQ(get("/api/balance/transactions")["data"].size(), 1u);
  EXPECT_EQ(json(send("GET", "/api/balance/transactions?include=total", other_key))["data"].size(),
            0u);
  EXPECT_EQ(json(send("GET", "/api/balance/transactions?include=total", other_key))["total"], 0);
  expect_nothing_there("GET", "/api/balance/transactions?account=" + shop);
}

// The metadata of one tenant's payout names another's: it adopts nothing.
TEST_F(Tenants, MetadataReachesNoFurtherThanItsOwnAccount) {
  const std::string id = pay_with({{"do", "reset_before"}}, "processing");
  const auto forged = sim.call("POST", "/v1/payouts",
                               Json{{"amount", "2500"},
                                    {"currency", "usd"},
                                    {"metadata", Json{{stripe::kPayoutIdKey, id},
                                                      {stripe::kAttemptKey, "1"},
                                                      {stripe::kRequestKey, "k1"}}}},
                               other_shop);
  ASSERT_EQ(forged.status, 200) << forged.body;
  see(other_organization, other_shop, Json::parse(forged.body)["id"]);
  pass(15min);
  ASSERT_EQ(moved().size(), 1u);
  EXPECT_EQ(get("/api/payouts/" + id)["stripe_payout_id"], moved()[0]["id"]);
}

TEST_F(Tenants, WithoutTheRightKeyNothingIsDone) {
  const std::string id = pay_expecting("pending");
  const std::string viewer = make_key(organization, access::Role::viewer);
  const std::string body = R"({"amount": 100, "currency": "usd"})";
  EXPECT_EQ(send("POST", "/api/payouts", viewer, body).status, 403);
  EXPECT_EQ(send("POST", "/api/payouts/" + id + "/cancel", viewer).status, 403);
  EXPECT_EQ(
      send("POST", "/api/payouts", make_key(organization, access::Role::approver), body).status,
      403);
  EXPECT_EQ(send("POST", "/api/payouts", "wrong", body).status, 401);
  EXPECT_EQ(send("GET", "/api/payouts/" + id, viewer).status, 200);
  EXPECT_EQ(moved().size(), 1u);
}

}  // namespace
}  // namespace payoutd::payouts
