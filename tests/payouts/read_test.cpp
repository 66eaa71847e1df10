#include "payouts/world.h"

namespace payoutd::payouts {
namespace {

struct PayoutReading : PayoutsTest {
  void put(const std::string& id, const Json& changes, std::int64_t created,
           const char* account = kAccount) {
    Shelf shelf(org);
    shelf.add(with(with(payout, changes), {{"id", id}, {"created", created}}), created,
              Source::list, account);
    apply(shelf.all());
  }
  std::string ids(const PayoutFilter& filter) {
    auto found = db().read([&](pg::Tx& tx) { return list_payouts(tx, org, filter, {}); });
    std::string all;
    for (const Payout& one : found->data) all += *one.stripe_payout_id + " ";
    return all;
  }
  Result<Payout> find(OrgId of, const std::string& id) {
    return db().read([&](pg::Tx& tx) { return find_payout(tx, of, id); });
  }
};

TEST_F(PayoutReading, AListIsFilteredByEachOfItsFilters) {
  put("po_1", {{"status", "paid"}}, kStart);
  put("po_2", {{"currency", "eur"}, {"type", "card"}}, kStart + 10);
  put("po_3", {}, kStart + 20, kOtherAccount);
  sql("UPDATE payouts SET origin_module = 'shop', origin_entity_id = 'e1', influencer_id = 'i1',"
      " campaign_id = 'c1', priority = 'low' WHERE stripe_payout_id = 'po_3' RETURNING '' AS it");
  EXPECT_EQ(ids({}), "po_3 po_2 po_1 ");
  EXPECT_EQ(ids({.status = Status::paid}), "po_1 ");
  EXPECT_EQ(ids({.type = "card"}), "po_2 ");
  EXPECT_EQ(ids({.priority = "low"}), "po_3 ");
  EXPECT_EQ(ids({.currency = "eur"}), "po_2 ");
  EXPECT_EQ(ids({.rail = "bank_file"}), "");
  EXPECT_EQ(ids({.rail = "stripe_payout", .account = kOtherAccount}), "po_3 ");
  EXPECT_EQ(ids({.origin_module = "shop", .origin_entity_id = "e1"}), "po_3 ");
  EXPECT_EQ(ids({.influencer_id = "i1", .campaign_id = "c1"}), "po_3 ");
  EXPECT_EQ(ids({.from = from_unix(kStart + 10), .to = from_unix(kStart + 10)}), "po_2 ");
}

TEST_F(PayoutReading, PagesNeitherRepeatNorSkipRowsOfOneSecond) {
  for (int i = 0; i < 7; ++i) put(fmt::format("po_{}", i), {}, kStart);
  std::set<std::string> seen;
  http::Page page{.limit = 3, .with_total = true};
  for (int pages = 0; pages < 4; ++pages) {
    auto found = db().read([&](pg::Tx& tx) { return list_payouts(tx, org, {}, page); });
    EXPECT_EQ(found->total, 7);
    for (const Payout& one : found->data) EXPECT_TRUE(seen.insert(one.id.str()).second);
    if (!found->has_more) break;
    page.cursor = found->next_cursor;
  }
  EXPECT_EQ(seen.size(), 7u);
  auto bad = db().read([&](pg::Tx& tx) { return list_payouts(tx, org, {}, {.cursor = "5~po_1"}); });
  EXPECT_EQ(bad.error().code, "invalid_cursor");
}

TEST_F(PayoutReading, OneIsFoundByEitherIdAndByNoOtherTenant) {
  put("po_1", {}, kStart);
  const std::string id = only().id.str();
  EXPECT_EQ(find(org, "po_1")->id.str(), id);
  EXPECT_EQ(find(org, id)->stripe_payout_id, "po_1");
  EXPECT_EQ(find(other_org, id).error().code, "payout_not_found");
  EXPECT_EQ(find(other_org, "po_1").error().kind, Kind::missing);
  EXPECT_EQ(find(org, "nonsense").error().code, "payout_not_found");
}

TEST_F(PayoutReading, JsonHasTheContractsFieldsInItsOrder) {
  Shelf shelf(org);
  for (const char* name : {"created", "updated", "paid", "failed"}) {
    shelf.event(std::string("payout.") + name);
  }
  apply(shelf.all());
  const Payout found = only();
  const OrderedJson json = to_json(found, events(found.id));
  std::string names;
  for (const auto& [name, value] : json.items()) names += name + " ";
  EXPECT_EQ(names,
            "id status type rail amount amount_decimal currency molam_fee bank_fee tax net_amount "
            "priority method scheduled_run description notes metadata account stripe_payout_id "
            "arrival_date automatic destination failure_code failure_message reconciliation_status "
            "trace_id origin_module origin_entity_id influencerId campaignId invoiceId poId "
            "beneficiary batch_id hold_id external_id reference_code attempts next_attempt_at "
            "returned_at blocks created_by approved_by requestedAt approvedAt processedAt paidAt "
            "failedAt statusHistory created updated ");
  EXPECT_EQ(json["status"], "failed");
  EXPECT_EQ(json["amount"], 482350);
  EXPECT_EQ(json["amount_decimal"], "4823.50");
  EXPECT_EQ(json["type"], "bank_account");
  EXPECT_EQ(json["destination"], "ba_1QBank0001");
  EXPECT_EQ(json["paidAt"], "2026-01-03T00:00:00Z");
  EXPECT_EQ(json["returned_at"], json["failedAt"]);
  EXPECT_EQ(json["trace_id"], "091000019999999");
  ASSERT_EQ(json["statusHistory"].size(), 4u);
  EXPECT_EQ(json["statusHistory"][1]["status"], "in_transit");
  EXPECT_EQ(json["statusHistory"][3]["notes"], "The bank account has been closed");
  EXPECT_TRUE(json["priority"].is_null());
}

TEST(PayoutWords, AreTakenInAnyCaseAndSpelledOneWay) {
  EXPECT_EQ(parse_status("SETTLED"), Status::paid);
  EXPECT_EQ(parse_status("Sent"), Status::in_transit);
  EXPECT_EQ(parse_status("scheduled"), Status::pending);
  EXPECT_EQ(parse_status("CANCELLED"), Status::canceled);
  EXPECT_EQ(parse_status("queued"), Status::queued);
  EXPECT_FALSE(parse_status("done"));
}

}  // namespace
}  // namespace payoutd::payouts
