#include "mirror/balance_transactions.h"

#include "http/page.h"
#include "mirror/world.h"

namespace payoutd::mirror {
namespace {

struct BalanceTransactions : MirrorTest {
  Json row = fixture("balance_transactions.list")["data"][0];

  void put(const Json& changes, std::int64_t at = kStart, const char* account = kAccount) {
    Shelf shelf(org);
    shelf.add(with(row, changes), at, Source::list, account);
    apply(shelf.all());
  }
  http::PageOf<BalanceTransaction> list(const BalanceTransactionFilter& filter,
                                        const http::Page& page = {}) {
    auto found =
        db().read([&](pg::Tx& tx) { return list_balance_transactions(tx, org, filter, page); });
    return *std::move(found);
  }
  std::string ids(const BalanceTransactionFilter& filter) {
    std::string all;
    for (const auto& found : list(filter).data) all += found.stripe_id + " ";
    return all;
  }
};

TEST_F(BalanceTransactions, GoFromPendingToAvailableAndNeverBack) {
  put({{"status", "available"}}, kStart + 10);
  put({{"status", "pending"}, {"available_on", kStart + 99}}, kStart + 20);
  EXPECT_EQ(sql("SELECT status AS it FROM balance_transactions"), "available");
}

TEST_F(BalanceTransactions, APendingOneMovesItsDayWithTheLaterList) {
  put({{"available_on", kStart + 500}}, kStart + 20);
  put({{"available_on", kStart + 100}}, kStart + 10);
  EXPECT_EQ(sql("SELECT extract(epoch FROM available_on)::bigint - 1767225600 AS it FROM "
                "balance_transactions"),
            "500");
}

TEST_F(BalanceTransactions, AnAvailableOneThatIsListedAgainIsNotWritten) {
  put({{"status", "available"}}, kStart);
  const std::string before = sql("SELECT xmin::text AS it FROM balance_transactions");
  put({{"status", "available"}}, kStart + 500);
  EXPECT_EQ(sql("SELECT xmin::text AS it FROM balance_transactions"), before);
}

TEST_F(BalanceTransactions, ARowAlteredBehindOurBackIsMendedByTheNextList) {
  put({{"status", "available"}}, kStart);
  sql("UPDATE balance_transactions SET net = net + 1 RETURNING '' AS it");
  put({{"status", "available"}}, kStart + 500);
  EXPECT_EQ(sql("SELECT net::text AS it FROM balance_transactions"), "12496");
}

TEST_F(BalanceTransactions, BelongToThePayoutWhoseListNamedThemLast) {
  Shelf shelf(org);
  shelf.add(with(row, {{"status", "available"}}), kStart + 1).listed_for_payout = "po_first";
  shelf.add(with(row, {{"status", "available"}}), kStart + 5).listed_for_payout = "po_second";
  shelf.add(with(row, {{"status", "available"}}), kStart + 9);
  std::vector<Version> versions = shelf.all();
  apply_one_by_one(versions);
  EXPECT_EQ(sql("SELECT payout_id AS it FROM balance_transactions"), "po_second");
  clear("balance_transactions");
  std::reverse(versions.begin(), versions.end());
  apply_one_by_one(versions);
  EXPECT_EQ(sql("SELECT payout_id AS it FROM balance_transactions"), "po_second");
  EXPECT_EQ(ids({.payout = "po_second"}), "txn_3QCharge0001 ");
  auto members = db().read([&](pg::Tx& tx) -> Result<std::size_t> {
    return transactions_of_payout(tx, org, kAccount, "po_second", 10).size();
  });
  EXPECT_EQ(*members, 1u);
}

TEST_F(BalanceTransactions, AreFilteredByEachOfTheirFilters) {
  put({{"id", "txn_1"}, {"created", kStart}});
  put({{"id", "txn_2"},
       {"created", kStart + 10},
       {"type", "payout"},
       {"reporting_category", "payout"}});
  put({{"id", "txn_3"}, {"created", kStart + 20}, {"currency", "eur"}});
  put({{"id", "txn_4"}, {"created", kStart + 30}, {"status", "available"}}, kStart, kOtherAccount);
  EXPECT_EQ(ids({}), "txn_4 txn_3 txn_2 txn_1 ");
  EXPECT_EQ(ids({.account = kOtherAccount}), "txn_4 ");
  EXPECT_EQ(ids({.type = "payout"}), "txn_2 ");
  EXPECT_EQ(ids({.currency = "eur"}), "txn_3 ");
  EXPECT_EQ(ids({.reporting_category = "payout"}), "txn_2 ");
  EXPECT_EQ(ids({.status = "available"}), "txn_4 ");
  EXPECT_EQ(ids({.from = from_unix(kStart + 10), .to = from_unix(kStart + 20)}), "txn_3 txn_2 ");
  auto foreign =
      db().read([&](pg::Tx& tx) { return list_balance_transactions(tx, other_org, {}, {}); });
  EXPECT_TRUE(foreign->data.empty());
}

TEST_F(BalanceTransactions, PagesNeitherRepeatNorSkipRowsOfOneSecond) {
  for (int i = 0; i < 7; ++i) put({{"id", fmt::format("txn_{}", i)}});
  put({{"id", "txn_3"}}, kStart, kOtherAccount);
  std::vector<std::string> seen;
  http::Page page{.limit = 3, .with_total = true};
  for (int pages = 0; pages < 4; ++pages) {
    const auto found = list({}, page);
    EXPECT_EQ(found.total, 8);
    for (const auto& one : found.data) seen.push_back(one.account + one.stripe_id);
    if (!found.has_more) break;
    page.cursor = found.next_cursor;
  }
  EXPECT_EQ(seen.size(), 8u);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(list({}, {.limit = 3, .offset = 6}).data.size(), 2u);
  auto bad = db().read(
      [&](pg::Tx& tx) { return list_balance_transactions(tx, org, {}, {.cursor = "no"}); });
  EXPECT_EQ(bad.error().code, "invalid_cursor");
}

TEST_F(BalanceTransactions, ShowExactAmountsInJson) {
  put({{"amount", -5}, {"net", -409}});
  const OrderedJson json = to_json(list({}).data.at(0));
  EXPECT_EQ(json["amount_decimal"], "-0.05");
  EXPECT_EQ(json["net_decimal"], "-4.09");
  EXPECT_EQ(json["created"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(json["fee_details"][0]["amount"], 404);
  EXPECT_TRUE(json["payout"].is_null());
}

}  // namespace
}  // namespace payoutd::mirror
