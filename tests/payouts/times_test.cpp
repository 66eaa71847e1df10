// When a payout was sent, paid, failed: what Stripe says happened, never when we looked.
#include "payouts/world.h"
#include "pg/migrate.h"

namespace payoutd::payouts {
namespace {

constexpr std::int64_t kArrival = kStart + 2 * 86'400;
constexpr std::int64_t kSync = kStart + 9 * 86'400;
constexpr const char* kGivenBack = "txn_1QGivenBack0001";

struct PayoutTimes : PayoutsTest {
  Json at(const char* status, const Json& more = Json::object()) {
    return with(with(payout, {{"status", status}, {"arrival_date", kArrival}}), more);
  }
  Json failed() {
    return at("failed",
              {{"failure_code", "account_closed"}, {"failure_balance_transaction", kGivenBack}});
  }
  // The transaction that gave the money of a failed or canceled payout back.
  void given_back(std::int64_t created) {
    Shelf shelf(org);
    shelf.add(with(fixture("balance_transactions.list")["data"][0],
                   {{"id", kGivenBack}, {"created", created}}),
              kSync);
    apply(shelf.all());
  }
  // The columns that say when, of one account's payout, as text.
  std::string times(const std::string& account = kAccount) {
    return sql(
        fmt::format("SELECT concat_ws(' ', 'paid', extract(epoch FROM paid_at)::bigint, 'failed',"
                    " extract(epoch FROM failed_at)::bigint, 'returned',"
                    " extract(epoch FROM returned_at)::bigint, 'processed', extract(epoch FROM "
                    "processed_at)::bigint) AS it FROM payouts"
                    " WHERE account = '{}'",
                    account));
  }
  static std::string iso(std::int64_t second) { return to_iso(from_unix(second)); }

  Shelf shelf{org};
};

TEST_F(PayoutTimes, APayoutThatOnlyASyncShowedWasPaidOnItsArrivalDate) {
  shelf.add(at("paid"), kSync);
  apply(shelf.all());
  const OrderedJson json = shown();
  EXPECT_EQ(json["paidAt"], iso(kArrival));
  ASSERT_EQ(json["statusHistory"].size(), 1u);
  EXPECT_EQ(json["statusHistory"][0]["timestamp"], iso(kArrival));
  EXPECT_EQ(json["statusHistory"][0]["seen_at"], iso(kSync));
  EXPECT_EQ(audit_trail(only(), events(only().id))[0]["timestamp"], iso(kArrival));
  EXPECT_EQ(sql("SELECT extract(epoch FROM paid_seen_at)::bigint::text AS it FROM payouts"),
            std::to_string(kSync));
}

TEST_F(PayoutTimes, StripesOwnEventSaysWhenItWasPaidWheneverItComes) {
  shelf.add(at("paid"), kSync);
  shelf.event("payout.reconciliation_completed", at("paid"), kArrival + 86'400);
  shelf.event("payout.paid", at("paid"), kArrival + 7);
  int run = 0;
  for_each_order(shelf.all(), [&](std::vector<std::vector<Version>> calls) {
    const std::string account = fmt::format("acct_run{}", run++);
    for (std::vector<Version>& call : calls) {
      for (Version& version : call) version.account = account;
      apply(call);
    }
    ASSERT_EQ(times(account), fmt::format("paid {} failed returned processed {}", kArrival + 7,
                                          payout["created"].get<std::int64_t>()));
  });
}

TEST_F(PayoutTimes, AnEventOfAnotherKindDoesNotSayWhenItWasPaid) {
  shelf.event("payout.reconciliation_completed", at("paid"), kSync);
  apply(shelf.all());
  const OrderedJson json = shown();
  EXPECT_EQ(json["paidAt"], iso(kArrival));
  EXPECT_EQ(json["statusHistory"][0]["timestamp"], iso(kArrival));
  EXPECT_EQ(audit_trail(only(), events(only().id))[0]["timestamp"], iso(kSync));
}

TEST_F(PayoutTimes, OneThatFailedUnseenFailedWhenItsMoneyCameBack) {
  shelf.add(at("paid"), kArrival + 60);
  shelf.add(failed(), kSync);
  apply_one_by_one(shelf.all());
  EXPECT_TRUE(shown()["failedAt"].is_null()) << "nobody knows yet";
  EXPECT_TRUE(shown()["returned_at"].is_null());
  EXPECT_TRUE(shown()["statusHistory"][1]["timestamp"].is_null());
  EXPECT_EQ(shown()["statusHistory"][1]["seen_at"], iso(kSync));

  given_back(kArrival + 86'400);
  EXPECT_EQ(shown()["failedAt"], iso(kArrival + 86'400));
  EXPECT_EQ(shown()["returned_at"], iso(kArrival + 86'400));
  EXPECT_EQ(shown()["statusHistory"][1]["timestamp"], iso(kArrival + 86'400));
  EXPECT_EQ(shown()["paidAt"], iso(kArrival));

  Shelf late(org);
  late.event("payout.failed", failed(), kArrival + 86'401);
  apply(late.all());
  EXPECT_EQ(shown()["failedAt"], iso(kArrival + 86'401));
  EXPECT_EQ(shown()["returned_at"], iso(kArrival + 86'401));
}

TEST_F(PayoutTimes, OneThatIsOnItsWayIsNotPaid) {
  shelf.add(at("in_transit"), kSync);
  apply(shelf.all());
  EXPECT_TRUE(shown()["paidAt"].is_null());
  EXPECT_TRUE(shown()["statusHistory"][0]["timestamp"].is_null());
  EXPECT_EQ(shown()["processedAt"], shown()["created"]) << "Stripe's own";
}

TEST_F(PayoutTimes, OneOfStripesOwnIsPendingSinceStripeMadeIt) {
  shelf.add(at("pending"), kSync);
  apply(shelf.all());
  EXPECT_EQ(shown()["statusHistory"][0]["timestamp"], shown()["created"]);
}

// When Stripe made it nobody said: our first send came before that.
TEST_F(PayoutTimes, OneOfOursThatWasOnlySeenPendingHasNoTimeForThat) {
  shelf.add(at("pending"), kSync, Source::fetch);
  apply(shelf.all());
  sql(
      fmt::format("UPDATE payouts SET created_by = 'key:1', processed_at = to_timestamp({} + 0.4),"
                  " created = processed_at RETURNING '' AS it",
                  kSync));
  sql("INSERT INTO payout_events (organization_id, payout_id, id, change, kind, status, source,"
      " actor, occurred_at) SELECT organization_id, id, gen_random_uuid(), 'sent', 'sent', "
      "'processing',"
      " 'engine', 'key:1', processed_at FROM payouts RETURNING '' AS it");
  const OrderedJson history = shown()["statusHistory"];
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0]["status"], "processing");
  EXPECT_EQ(history[1]["status"], "pending");
  EXPECT_TRUE(history[1]["timestamp"].is_null());
  EXPECT_EQ(history[1]["seen_at"], iso(kSync));
}

TEST_F(PayoutTimes, AnArrivalDateThatWhatWasSeenContradictsSaysNothing) {
  shelf.add(at("in_transit"), kArrival + 3 * 3'600);
  shelf.add(at("paid"), kArrival + 30 * 3'600);
  apply_one_by_one(shelf.all());
  EXPECT_TRUE(shown()["paidAt"].is_null()) << "that day it was on its way for hours";
  EXPECT_EQ(shown()["statusHistory"][1]["status"], "paid");
  EXPECT_TRUE(shown()["statusHistory"][1]["timestamp"].is_null());

  Shelf early(org);
  early.add(with(at("paid"), {{"id", "po_early"}}), kArrival - 60, Source::list, kOtherAccount);
  apply(early.all());
  const auto listed =
      *db().read([&](pg::Tx& tx) { return list_payouts(tx, org, {.account = kOtherAccount}, {}); });
  EXPECT_FALSE(listed.data.at(0).paid_at) << "it was paid before";
}

TEST_F(PayoutTimes, HistoriesAreInTheOrderOfTheirTimes) {
  shelf.event("payout.created", at("pending"), kStart);
  shelf.event("payout.reconciliation_completed", at("paid"), kArrival + 86'400);
  shelf.add(at("paid", {{"description", "seen"}}), kSync);
  shelf.event("payout.updated", failed(), kSync + 9);
  apply_one_by_one(shelf.all());
  given_back(kArrival + 3'600);
  const Payout found = only();
  for (const OrderedJson& history :
       {audit_trail(found, events(found.id)), status_history(found, events(found.id))}) {
    std::vector<std::string> times;
    for (const OrderedJson& change : history)
      times.push_back(change[change["timestamp"].is_null() ? "seen_at" : "timestamp"]);
    EXPECT_TRUE(std::ranges::is_sorted(times)) << history.dump(1);
  }
  EXPECT_EQ(audit_trail(found, events(found.id))[1]["kind"], "seen") << "paid on its arrival date";
  EXPECT_EQ(status_history(found, events(found.id)).back()["status"], "failed");
}

TEST_F(PayoutTimes, OneAskedForThroughUsWasProcessedWhenItWasFirstSent) {
  Shelf told(org);
  told.event("payout.created", at("pending"), kStart + 1);
  told.event("payout.updated", at("in_transit"), kStart + 60);
  told.event("payout.paid", at("paid"), kArrival);
  told.add(at("pending"), kStart, Source::fetch);  // the answer
  int run = 0;
  for_each_order(told.all(), [&](std::vector<std::vector<Version>> calls) {
    const std::string account = fmt::format("acct_run{}", run++);
    const PayoutId id = PayoutId::make();
    sql(fmt::format(
        "INSERT INTO payouts (organization_id, id, rail, account, amount, currency, status, type,"
        " created, updated, processed_at, created_by) VALUES ('{}', '{}', 'stripe_payout', '{}',"
        " {}, 'usd', 'processing', 'bank_account', to_timestamp({}), to_timestamp({}),"
        " to_timestamp({}), 'key:1') RETURNING '' AS it",
        org.str(), id.str(), account, payout["amount"].get<std::int64_t>(), kStart - 9, kStart - 9,
        kStart - 5));
    const Json ours{{"metadata", {{stripe::kPayoutIdKey, id.str()}}}};
    Shelf mine(org);
    for (std::vector<Version>& call : calls) {
      for (Version& version : call) {
        version.account = account;
        version.object = mine.keep(with(Json::parse(version.object), ours).dump());
      }
      apply(call);
    }
    ASSERT_EQ(times(account),
              fmt::format("paid {} failed returned processed {}", kArrival, kStart - 5));
  });
}

// An instance of an older version keeps in paid_at when it saw the status.
TEST_F(PayoutTimes, WhatAnOlderInstanceWroteIsPutRightWhenItIsShownAgain) {
  shelf.event("payout.paid", at("paid"), kArrival + 7);
  shelf.add(at("paid"), kSync);
  apply(shelf.all());
  sql("UPDATE payouts SET paid_at = to_timestamp(" + std::to_string(kSync - 1) +
      "), paid_seen_at = NULL RETURNING '' AS it");
  apply(shelf.all());
  EXPECT_EQ(shown()["paidAt"], iso(kArrival + 7));

  Shelf seen(org);
  seen.add(with(at("paid"), {{"id", "po_seen"}}), kSync, Source::list, kOtherAccount);
  apply(seen.all());
  sql(
      fmt::format("UPDATE payouts SET paid_at = shown_at, paid_seen_at = NULL"
                  " WHERE account = '{}' RETURNING '' AS it",
                  kOtherAccount));
  apply(seen.all());
  EXPECT_EQ(sql(fmt::format("SELECT (paid_at IS NULL AND paid_seen_at = shown_at)::text AS it"
                            " FROM payouts WHERE account = '{}'",
                            kOtherAccount)),
            "true");
}

TEST_F(PayoutTimes, TheMigrationPutsEveryRowRightAndMayRunAgain) {
  shelf.event("payout.paid", at("paid"), kArrival + 7);
  shelf.event("payout.failed", failed(), kArrival + 900);
  shelf.add(with(at("paid"), {{"id", "po_seen"}}), kSync, Source::list, kOtherAccount);
  apply(shelf.all());
  const auto rows = [&] { return row(kAccount) + row(kOtherAccount); };
  const std::string right = rows();
  // As rows were kept before: the columns say when a status was seen.
  sql("UPDATE payouts SET paid_at = paid_seen_at, failed_at = failed_seen_at,"
      " returned_at = failed_seen_at, processed_at = NULL, paid_seen_at = NULL,"
      " failed_seen_at = NULL, canceled_seen_at = NULL RETURNING '' AS it");
  ASSERT_NE(rows(), right);
  std::vector<pg::Migration> only_that;
  for (const pg::Migration& one : pg::migrations()) {
    if (one.name == "payout_times_told") only_that.push_back(one);
  }
  ASSERT_EQ(only_that.size(), 1u);
  for (int run = 0; run < 2; ++run) {
    sql("WITH known AS (DELETE FROM schema_migrations RETURNING 1)"
        " SELECT count(*)::text AS it FROM known");
    const auto applied = pg::migrate({.url = url(), .migrations = &only_that});
    ASSERT_TRUE(applied) << applied.error().message;
    EXPECT_EQ(rows(), right);
  }
}

}  // namespace
}  // namespace payoutd::payouts
