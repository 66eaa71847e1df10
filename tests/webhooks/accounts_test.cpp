// Events of accounts, which go the way of every other object.
#include <algorithm>
#include <thread>

#include "webhooks/world.h"

namespace payoutd::webhooks {
namespace {

struct Accounts : WebhookTest {
  void SetUp() override { serve(); }

  void updated(const std::string& id, const Json& object, std::int64_t created,
               const std::string& account = "acct_shop") {
    ASSERT_EQ(deliver({.id = id,
                       .type = "account.updated",
                       .account = account,
                       .created = created,
                       .object = object.dump()})
                  .status,
              200);
  }
  std::string row(const std::string& account = "acct_shop") {
    return text(
        "SELECT concat_ws(' ', name, default_currency, country, charges_enabled,"
        " payouts_enabled) FROM connected_accounts WHERE stripe_account_id = '" +
        account + "'");
  }
  void forget(const std::string& account = "acct_shop") {
    (void)db().transact([&](pg::Tx& tx) -> Result<void> {
      tx.exec_unnamed(
          "UPDATE connected_accounts SET name = '', default_currency = NULL, country ="
          " NULL, charges_enabled = false, payouts_enabled = false, shown_at ="
          " to_timestamp(0), shown_rank = 0 WHERE stripe_account_id = '" +
          account + "'");
      tx.exec_unnamed("DELETE FROM jobs");
      return {};
    });
  }
};

TEST_F(Accounts, TwoUpdatesOfOneSecondEndTheSameInEveryOrderAndAreFetched) {
  const Json one = account_object("acct_shop", "One");
  Json two = account_object("acct_shop", "Two");
  two["payouts_enabled"] = false;
  std::vector<std::string> ends;
  int event = 0;
  for (const int batch : {100, 1}) {
    for (const bool swapped : {false, true}) {
      forget();
      updated("evt_" + std::to_string(event++), swapped ? two : one, kNow - 10);
      updated("evt_" + std::to_string(event++), swapped ? one : two, kNow - 10);
      apply_all(batch);
      ends.push_back(row());
      const auto refetched = refetches();
      ASSERT_FALSE(refetched.empty());
      EXPECT_EQ(refetched.front().type, "account");
      EXPECT_EQ(refetched.front().stripe_id, "acct_shop");
      EXPECT_EQ(refetched.front().not_before, from_unix(kNow - 9));
    }
  }
  for (const std::string& end : ends) EXPECT_EQ(end, ends.front());
  EXPECT_EQ(count("inbox_failures"), 0);
}

TEST_F(Accounts, WhatAnObjectLeavesOutIsNotClearedAndIsFetched) {
  updated("evt_full", account_object("acct_shop"), kNow - 20);
  apply_all();
  const std::string known = row();
  EXPECT_EQ(known, "Shop eur DE t t");
  updated("evt_stub", {{"id", "acct_shop"}, {"object", "account"}}, kNow - 10);
  ASSERT_EQ(deliver({.id = "evt_old",
                     .type = "account.updated",
                     .account = "acct_shop",
                     .created = kNow - 9,
                     .object = R"({"id":"acct_shop","object":"account","business_name":"Old",
                       "transfers_enabled":true,"charges_enabled":true,"country":"DE",
                       "default_currency":"eur","details_submitted":true,"verification":{}})",
                     .api_version = "2017-01-27"})
                .status,
            200);
  apply_all();
  EXPECT_EQ(row(), known);
  const auto refetched = refetches();
  ASSERT_EQ(refetched.size(), 2u);
  EXPECT_EQ(refetched.front().type, "account");
  EXPECT_EQ(count("inbox_failures"), 0);
}

TEST_F(Accounts, AnEventThatNamesNoAccountNeverDeauthorizesThePlatform) {
  for (const char* object : {R"({"id":"ca_1","object":"application","name":"Platform"})",
                             R"({"id":"acct_platform","object":"account"})"}) {
    deliver({.id = std::string("evt_") + object[7],
             .type = "account.application.deauthorized",
             .object = object});
  }
  apply_all();
  EXPECT_EQ(count("connected_accounts WHERE status = 'deauthorized'"), 0);
  EXPECT_EQ(count("inbox_failures"), 2);
}

TEST_F(Accounts, AreLockedInOneOrderByAll) {
  constexpr int kAccounts = 40;
  constexpr int kRounds = 10;
  for (int i = 0; i < kAccounts; ++i) connect(platform, "acct_" + std::to_string(100 + i));
  const auto versions = [&](bool backwards, int round, std::vector<std::string>& texts) {
    std::vector<mirror::Version> all_versions;
    texts.reserve(kAccounts * 2);
    for (int i = 0; i < kAccounts; ++i) {
      const int n = 100 + (backwards ? kAccounts - 1 - i : i);
      const auto& account = texts.emplace_back("acct_" + std::to_string(n));
      const auto& object = texts.emplace_back(
          account_object(account, std::to_string(round) + (backwards ? "b" : "f")).dump());
      all_versions.push_back({.organization = platform,
                              .account = account,
                              .object = object,
                              .shown_at = from_unix(kNow + round),
                              .source = mirror::Source::event,
                              .event_id = "evt",
                              .event_type = "account.updated"});
    }
    return all_versions;
  };
  const auto write = [&](bool backwards) {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::string> texts;
      const auto given = versions(backwards, round, texts);
      (void)db().transact([&](pg::Tx& tx) -> Result<void> {
        (void)mirror::apply(tx, all, given);
        return {};
      });
    }
  };
  {
    const std::jthread forwards([&] { write(false); });
    const std::jthread backwards([&] { write(true); });
  }
  EXPECT_EQ(db().state().conflicts, 0);
}

}  // namespace
}  // namespace payoutd::webhooks
