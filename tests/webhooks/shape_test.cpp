// An object is what it says it is, or it is fetched.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Shape : WebhookTest {
  void SetUp() override { serve(); }
};

TEST_F(Shape, APayoutThatWasATransferInItsVersionIsFetched) {
  Json old = Json::parse(payout_object("po_old", "paid"));
  old["object"] = "transfer";
  deliver({.id = "evt_1",
           .type = "payout.paid",
           .account = "acct_shop",
           .created = kNow - 5,
           .object = old.dump(),
           .api_version = "2017-01-27"});
  apply_all();
  EXPECT_EQ(count("transfers"), 0);
  EXPECT_EQ(count("payouts"), 0);
  EXPECT_EQ(count("inbox_failures"), 0);
  const auto refetched = refetches();
  ASSERT_EQ(refetched.size(), 1u);
  EXPECT_EQ(refetched[0].type, "payout");
  EXPECT_EQ(refetched[0].stripe_id, "po_old");
  EXPECT_EQ(refetched[0].account, "acct_shop");
  EXPECT_EQ(refetched[0].organization, platform);
}

TEST_F(Shape, AnotherTypeAnOldVersionAndAStubAreFetchedWhateverTheRestSays) {
  const std::string good = payout_object("po_1", "paid");
  Json stub = Json::parse(good);
  stub.erase("failure_code");
  Json other_type = Json::parse(good);
  other_type["object"] = "charge";
  deliver({.id = "evt_1", .type = "payout.paid", .account = "acct_shop", .object = stub.dump()});
  deliver(
      {.id = "evt_2", .type = "payout.paid", .account = "acct_shop", .object = other_type.dump()});
  deliver({.id = "evt_3",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = good,
           .api_version = "2016-07-06"});
  deliver({.id = "evt_4",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = good,
           .api_version = "latest"});
  apply_all();
  EXPECT_EQ(count("payouts"), 0);
  EXPECT_EQ(refetches().size(), 4u);
  EXPECT_EQ(count("inbox_failures"), 0);
}

TEST_F(Shape, AVersionThatIsNewerThanOursIsReadIfItsFieldsFit) {
  deliver({.id = "evt_1",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = payout_object("po_1", "paid"),
           .api_version = "2031-01-01.elder"});
  apply_all();
  EXPECT_EQ(count("payouts"), 1);
  EXPECT_TRUE(refetches().empty());
}

TEST_F(Shape, WhatCanNotBeFetchedIsKeptWithTheReason) {
  deliver({.id = "evt_1",
           .type = "application_fee.refund.updated",
           .object = R"({"id":"fr_1","object":"fee_refund"})"});
  deliver({.id = "evt_2", .type = "payout.paid", .object = R"({"object":"payout"})"});
  apply_all();
  EXPECT_EQ(count("inbox_failures WHERE error LIKE '%is missing%'"), 2);
  EXPECT_TRUE(refetches().empty());
}

TEST_F(Shape, AnEventWithoutAVersionIsSaidToHaveNone) {
  const auto why = misfit(mirror::shapes::kPayout, "", payout_object("po_1", "paid"));
  ASSERT_TRUE(why);
  EXPECT_THAT(why->reason, testing::HasSubstr("no API version"));
  EXPECT_THAT(why->reason, testing::Not(testing::HasSubstr("\"\"")));
}

TEST_F(Shape, AJobThatCanNotBeStoredFailsItsOwnEventAlone) {
  (void)db().transact([](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("ALTER TABLE jobs ADD CONSTRAINT poison CHECK (payload NOT LIKE '%po_bad%')");
    return {};
  });
  for (const char* id : {"po_1", "po_bad", "po_2"}) {
    Json stub = Json::parse(payout_object(id, "paid"));
    stub.erase("status");
    deliver({.id = std::string("evt_") + id,
             .type = "payout.paid",
             .account = "acct_shop",
             .object = stub.dump()});
  }
  deliver({.id = "evt_whole",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = payout_object("po_3", "paid")});
  ApplyWorkers workers(db(), all, {.threads = 0, .batch = 100});
  while (workers.apply_batch() > 0) {
  }
  const auto counts = workers.counts();
  EXPECT_EQ(counts.applied, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.fetched, 2u);
  EXPECT_EQ(refetches().size(), 2u);
  EXPECT_EQ(count("payouts"), 1);
  EXPECT_EQ(count("inbox_failures"), 1);
  EXPECT_EQ(count("inbox_failures WHERE event_id = 'evt_po_bad' AND error LIKE '%poison%'"), 1);
}

// PostgreSQL can't store a NUL character: neither an id nor the reason for a failure may hold one.
TEST_F(Shape, AnIdWithANulIsKeptWithASentence) {
  Json whole = Json::parse(payout_object("po_1", "paid"));
  whole["id"] = std::string("po_\0x", 5);
  Json stub = whole;
  stub.erase("status");
  Json destination = Json::parse(payout_object("po_2", "paid"));
  destination["balance_transaction"] = std::string("txn_\0", 5);
  int n = 0;
  for (const Json& object : {whole, stub, destination}) {
    deliver({.id = "evt_" + std::to_string(n++),
             .type = "payout.paid",
             .account = "acct_shop",
             .object = object.dump()});
  }
  apply_all();
  EXPECT_TRUE(refetches().empty());
  EXPECT_EQ(count("inbox_failures WHERE error LIKE '%holds a NUL character, which PostgreSQL "
                  "can''t store'"),
            3);
}

TEST_F(Shape, ATypeWithANulBlocksNoOtherEvent) {
  deliver({.id = "evt_1",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = Json{{"object", std::string("pay\0out", 7)}}.dump()});
  deliver({.id = "evt_2",
           .type = "payout.paid",
           .account = "acct_shop",
           .object = payout_object("po_1", "paid")});
  apply_all();
  EXPECT_EQ(text("SELECT event_id FROM inbox_failures"), "evt_1");
  EXPECT_EQ(count("payouts"), 1);
}

TEST_F(Shape, EveryEventOfTheFixturesFits) {
  int fitting = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(PAYOUTD_SOURCE_DIR "/fixtures/stripe")) {
    std::ifstream stream(file.path());
    const Json event = Json::parse(stream);
    const EventType* type = find_event_type(event.value("type", ""));
    if (type == nullptr) continue;
    const std::string object = event["data"]["object"].dump();
    const auto why = misfit(type->shape, event["api_version"].get<std::string>(), object);
    EXPECT_FALSE(why.has_value()) << file.path() << ": " << (why ? why->reason : "");
    ++fitting;
  }
  EXPECT_GE(fitting, 40);
}

}  // namespace
}  // namespace payoutd::webhooks
