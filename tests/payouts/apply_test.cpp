#include <map>
#include <set>
#include <thread>

#include "payouts/world.h"

namespace payoutd::payouts {
namespace {

struct PayoutApply : PayoutsTest {
  // Each order of the versions, told in each of mirror::kTellings on an account of its own: all end
  // in the same row and the same changes.
  void expect_one_end(const std::vector<Version>& versions) {
    std::string end, history;
    int run = 0;
    for_each_order(versions, [&](std::vector<std::vector<Version>> calls) {
      last = fmt::format("acct_run{}", run++);
      for (std::vector<Version>& call : calls) {
        for (Version& version : call) version.account = last;
        apply(call);
      }
      if (end.empty()) end = row(last), history = changes(last);
      ASSERT_EQ(row(last), end);
      ASSERT_EQ(changes(last), history);
    });
  }
  Json at(const char* status, const Json& more = Json::object()) {
    return with(with(payout, {{"status", status}}), more);
  }
  Shelf shelf{org};
  std::string last;  // the account of the last run
};

TEST_F(PayoutApply, EveryOrderOfALifeEndsInOneRow) {
  for (const char* name : {"created", "updated", "paid", "reconciliation_completed", "failed"}) {
    shelf.event(std::string("payout.") + name);
  }
  expect_one_end(shelf.all());
  EXPECT_EQ(status(last), "failed");
  EXPECT_EQ(sql("SELECT count(DISTINCT change)::text AS it FROM payout_events"), "5");
  EXPECT_EQ(sql("SELECT DISTINCT (returned_at = failed_at AND paid_at < failed_at)::text AS it "
                "FROM payouts"),
            "true");
}

TEST_F(PayoutApply, WithinOneSecondTheRankDecides) {
  shelf.event("payout.created", at("pending"), kStart);
  shelf.event("payout.updated", at("in_transit"), kStart);
  shelf.event("payout.paid", at("paid"), kStart);
  shelf.event("payout.failed", at("failed", {{"failure_code", "no_account"}}), kStart);
  expect_one_end(shelf.all());
  EXPECT_EQ(status(last), "failed");
  EXPECT_EQ(sql("SELECT count(*)::text AS it FROM payouts WHERE tied"), "0");
}

TEST_F(PayoutApply, CanceledIsForEver) {
  shelf.event("payout.created", at("pending"), kStart);
  shelf.event("payout.canceled", at("canceled"), kStart + 5);
  shelf.add(at("in_transit"), kStart + 60, Source::list);   // a clock that runs ahead
  shelf.event("payout.failed", at("failed"), kStart + 90);  // which Stripe never sends
  expect_one_end(shelf.all());
  EXPECT_EQ(status(last), "canceled");
}

TEST_F(PayoutApply, MetadataIsTakenAtTheSameStatusAndAfterTheLast) {
  shelf.event("payout.created", at("pending"), kStart);
  shelf.event("payout.updated", at("pending", {{"metadata", {{"order", "1"}}}}), kStart);
  shelf.event("payout.failed", at("failed", {{"metadata", {{"order", "1"}}}}), kStart + 5);
  shelf.event("payout.updated", at("failed", {{"metadata", {{"order", "2"}}}}), kStart + 9);
  expect_one_end(shelf.all());
  EXPECT_EQ(sql("SELECT DISTINCT status || (metadata->>'order') AS it FROM payouts"), "failed2");
}

TEST_F(PayoutApply, AFetchOfThatSecondRanksAsAnEvent) {
  shelf.event("payout.updated", at("in_transit"), kStart);
  shelf.add(at("paid"), kStart, Source::fetch);
  shelf.add(at("pending"), kStart, Source::list);
  expect_one_end(shelf.all());
  EXPECT_EQ(status(last), "paid");
}

TEST_F(PayoutApply, AStaleListAfterEventsChangesNothing) {
  shelf.event("payout.paid", at("paid"), kStart + 100);
  shelf.add(at("in_transit"), kStart + 50, Source::list);
  const Applied applied = apply(shelf.all());
  EXPECT_EQ(applied.verdicts[0].outcome, Outcome::applied);
  EXPECT_EQ(applied.verdicts[1].outcome, Outcome::stale);
  EXPECT_EQ(status(), "paid");
}

TEST_F(PayoutApply, ATieThatMattersIsFetchedAgainOnce) {
  shelf.event("payout.updated", at("pending", {{"metadata", {{"a", "1"}}}}), kStart);
  shelf.event("payout.updated", at("pending", {{"metadata", {{"a", "2"}}}}), kStart);
  expect_one_end(shelf.all());
  EXPECT_TRUE(apply({&shelf.all()[0], 1}).refetch.empty());
  const Applied tied = apply({&shelf.all()[1], 1});
  ASSERT_EQ(tied.refetch.size(), 1u);
  EXPECT_EQ(tied.refetch[0].type, "payout");
  EXPECT_EQ(tied.refetch[0].not_before, from_unix(kStart + 1));
  EXPECT_TRUE(apply(shelf.all()).refetch.empty());
}

TEST_F(PayoutApply, TheOrderOfMetadataKeysAndAnExpandedDestinationAreNoDifference) {
  Version& first = shelf.add(payout, kStart);
  std::string text = with(payout, {{"metadata", nullptr}}).dump();
  text.replace(text.find("\"metadata\":null"), 15, R"("metadata":{"b":"2","a":"1"})");
  first.object = shelf.keep(text);
  shelf.add(with(payout, {{"metadata", {{"a", "1"}, {"b", "2"}}},
                          {"destination", {{"id", "ba_1QBank0001"}, {"object", "bank_account"}}}}),
            kStart);
  EXPECT_TRUE(apply(shelf.all()).refetch.empty());
}

TEST_F(PayoutApply, EachChangeIsOneEventHoweverOftenItIsTold) {
  shelf.event("payout.created");
  shelf.event("payout.paid");
  shelf.event("payout.paid");  // another Event object for the same change
  shelf.add(fixture("payout.paid")["data"]["object"], kStart + 999'999, Source::list);
  apply_one_by_one(shelf.all());
  apply(shelf.all());
  const auto history = events(only().id);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].kind, "payout.created");
  EXPECT_EQ(history[1].status.text, "paid");
  EXPECT_EQ(history[1].stripe_event_id, "evt_2");
}

TEST_F(PayoutApply, WhatOnlyAListShowedIsAnEventToo) {
  shelf.event("payout.created");
  shelf.add(at("paid"), kStart + 500'000, Source::list);
  shelf.add(at("paid"), kStart + 600'000, Source::list);
  apply_one_by_one(shelf.all());
  const auto history = events(only().id);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[1].kind, "seen");
  EXPECT_EQ(history[1].source, "list");
}

TEST_F(PayoutApply, HistoryIsOnlyEverAppendedTo) {
  shelf.event("payout.created");
  apply(shelf.all());
  for (const char* statement : {"UPDATE payout_events SET status = 'paid'",
                                "DELETE FROM payout_events", "TRUNCATE payout_events"}) {
    auto refused = db().transact([&](pg::Tx& tx) -> Result<std::string> {
      const auto error = tx.attempt([&] { tx.exec_unnamed(statement); });
      return error ? error->sqlstate : std::string("none");
    });
    EXPECT_EQ(*refused, "23001") << statement;
  }
}

TEST_F(PayoutApply, CompleteReconciliationAsksForTheMembersOnce) {
  shelf.event("payout.paid");
  shelf.event("payout.reconciliation_completed");
  shelf.add(fixture("payout.reconciliation_completed")["data"]["object"], kStart + 999'999);
  EXPECT_TRUE(apply({&shelf.all()[0], 1}).follow_ups.empty());
  const Applied applied = apply({&shelf.all()[1], 1});
  ASSERT_EQ(applied.follow_ups.size(), 1u);
  EXPECT_EQ(applied.follow_ups[0].kind, mirror::FollowUpKind::list_payout_transactions);
  EXPECT_EQ(applied.follow_ups[0].stripe_id, "po_1QAutomatic0001");
  EXPECT_TRUE(apply({&shelf.all()[2], 1}).follow_ups.empty());

  auto waiting = db().transact([&](pg::Tx& tx) -> Result<std::size_t> {
    const auto before = awaiting_transactions(tx, org, kAccount, 10).size();
    EXPECT_TRUE(
        transactions_were_listed(tx, org, kAccount, "po_1QAutomatic0001", from_unix(kStart)));
    EXPECT_TRUE(awaiting_transactions(tx, org, kAccount, 10).empty());
    return before;
  });
  EXPECT_EQ(*waiting, 1u);
}

TEST_F(PayoutApply, AStatusWithoutAWordIsKeptAsItIs) {
  shelf.event("payout.created", at(""), kStart);
  shelf.event("payout.updated", at("", {{"metadata", {{"order", "2"}}}}), kStart + 5);
  expect_one_end(shelf.all());
  shelf.event("payout.paid", at("paid"), kStart + 9);
  expect_one_end(shelf.all());
  EXPECT_EQ(status(last), "paid");
}

TEST_F(PayoutApply, OnePayoutIdOnTwoAccountsIsTwoRows) {
  shelf.add(at("paid"), kStart, Source::list, kAccount);
  shelf.add(at("pending"), kStart, Source::list, kOtherAccount);
  EXPECT_EQ(apply(shelf.all()).created, 2u);
  EXPECT_EQ(status(kAccount) + status(kOtherAccount), "paidpending");
}

TEST_F(PayoutApply, PoisonAmongGoodOnesIsRefusedByItself) {
  shelf.event("payout.created");
  shelf.event("payout.updated", at("paid", {{"amount", 1.5}}), kStart + 1);
  shelf.event("payout.updated", at("paid", {{"arrival_date", nullptr}}), kStart + 1);
  shelf.event("payout.updated", at("resting", {{"amount", 9'007'199'254'740'993}}), kStart + 2);
  const Applied applied = apply(shelf.all());
  EXPECT_EQ(applied.verdicts[1].error,
            "po_1QAutomatic0001: amount is not a whole number of 64 bits");
  EXPECT_EQ(applied.verdicts[2].error, "po_1QAutomatic0001: arrival_date is missing");
  EXPECT_EQ(sql("SELECT status || amount AS it FROM payouts"), "resting9007199254740993");
}

// Rows that we made before we called Stripe, and webhooks that overtake its answer.
struct PayoutAdoption : PayoutApply {
  PayoutId ask(std::int64_t amount = 482350, const char* account = kAccount) {
    const PayoutId id = PayoutId::make();
    sql(fmt::format(
        "INSERT INTO payouts (organization_id, id, rail, account, amount, currency, status,"
        " type, created, updated, processed_at) VALUES ('{}', '{}', 'stripe_payout', '{}', {},"
        " 'usd', 'processing', 'bank_account', to_timestamp({}), to_timestamp({}),"
        " to_timestamp({})) RETURNING '' AS it",
        org.str(), id.str(), account, amount, kStart - 9, kStart - 9, kStart - 5));
    return id;
  }
  Json ours(PayoutId id, const char* status = "pending") {
    return at(status,
              {{"automatic", false},
               {"metadata",
                {{stripe::kPayoutIdKey, id.str()}, {stripe::kAttemptKey, "1"}, {"order", "7"}}}});
  }
};

TEST_F(PayoutAdoption, TheWebhookThatOvertakesTheAnswerFindsOurRow) {
  const PayoutId id = ask();
  shelf.event("payout.paid", ours(id, "paid"), kStart + 2);
  shelf.event("payout.created", ours(id), kStart + 1);
  shelf.add(ours(id), kStart, Source::fetch);  // the answer
  const Applied first = apply({&shelf.all()[0], 1});
  ASSERT_EQ(first.follow_ups.size(), 1u);
  EXPECT_EQ(first.follow_ups[0].kind, mirror::FollowUpKind::settle_instruction);
  apply_one_by_one(shelf.all());
  const Payout found = only();
  EXPECT_EQ(found.id, id);
  EXPECT_EQ(found.status.text, "paid");
  EXPECT_EQ(found.stripe_payout_id, "po_1QAutomatic0001");
  EXPECT_EQ(found.metadata, Json({{"order", "7"}}));
  EXPECT_EQ(found.processed_at, from_unix(kStart - 5));
  EXPECT_EQ(found.created, from_unix(kStart - 9));
}

TEST_F(PayoutAdoption, AnotherAmountAccountOrTenantIsNotOurs) {
  const PayoutId id = ask(1);
  const PayoutId elsewhere = ask(482350, kOtherAccount);
  shelf.add(with(ours(id), {{"id", "po_a"}}), kStart);
  shelf.add(with(ours(elsewhere), {{"id", "po_b"}}), kStart);
  shelf.add(
      with(at("pending", {{"metadata", {{stripe::kPayoutIdKey, "' OR 1=1"}}}}), {{"id", "po_c"}}),
      kStart);
  EXPECT_EQ(apply(shelf.all()).created, 3u);
  EXPECT_EQ(sql("SELECT count(*)::text AS it FROM payouts WHERE stripe_payout_id IS NULL"), "2");
}

TEST_F(PayoutAdoption, ASecondStripePayoutOfOneOfOursIsARowOfItsOwn) {
  const PayoutId id = ask();
  shelf.add(with(ours(id), {{"id", "po_a"}}), kStart);
  shelf.add(with(ours(id), {{"id", "po_b"}}), kStart);
  apply(shelf.all());
  EXPECT_EQ(
      sql("SELECT string_agg(stripe_payout_id, ' ' ORDER BY stripe_payout_id) AS it FROM payouts"),
      "po_a po_b");
}

TEST_F(PayoutAdoption, AnswerAndWebhookAtOnceMakeOneRow) {
  for (int round = 0; round < 20; ++round) {
    const PayoutId id = ask();
    const Json object = with(ours(id), {{"id", fmt::format("po_{}", round)}});
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 4; ++writer) {
      threads.emplace_back([&, writer] {
        Shelf mine(org);
        if (writer % 2 == 0) mine.event("payout.created", object, kStart + 1);
        else mine.add(object, kStart + 1, Source::fetch);
        apply(mine.all());
      });
    }
  }
  EXPECT_EQ(sql("SELECT count(*) || ' ' || count(stripe_payout_id) AS it FROM payouts"), "20 20");
}

// Random lives of forty payouts, told in random order, batches and repetitions by four at once, end
// as one that is told them in order.
TEST_F(PayoutApply, ParallelWritersOverTheSameLivesEndAsOne) {
  std::mt19937 random(20'260'101);
  const std::vector<std::vector<const char*>> lives = {{"pending", "in_transit", "paid"},
                                                       {"pending", "in_transit", "paid", "failed"},
                                                       {"pending", "canceled"},
                                                       {"in_transit", "paid"},
                                                       {"pending", "failed"}};
  for (int i = 0; i < 40; ++i) {
    std::int64_t second = kStart;
    bool first = true;
    for (const char* word : lives[random() % lives.size()]) {
      const Json object = at(word, {{"id", fmt::format("po_{}", i)},
                                    {"metadata", {{"n", std::to_string(random() % 3)}}}});
      shelf.event(first ? "payout.created" : "payout.updated", object, second);
      if (random() % 3 == 0) shelf.add(object, second, Source::list);
      second += static_cast<std::int64_t>(random() % 2);
      first = false;
    }
  }
  const auto snapshot = [&] {
    return sql(
        "SELECT jsonb_agg(to_jsonb(p) - 'id' - 'account' ORDER BY stripe_payout_id)::text AS it"
        " FROM payouts p WHERE account = '" +
        last + "'");
  };
  last = "acct_inorder";
  std::vector<Version> all = shelf.all();
  for (Version& version : all) version.account = last;
  apply_one_by_one(all);
  const std::string end = snapshot();
  for (int round = 0; round < 4; ++round) {
    last = fmt::format("acct_round{}", round);
    std::vector<std::jthread> threads;
    for (unsigned writer = 0; writer < 4; ++writer) {
      threads.emplace_back([&, writer, account = last] {
        std::mt19937 mine_random(static_cast<unsigned>(round) * 4 + writer);
        std::vector<Version> mine = shelf.all();
        for (Version& version : mine) version.account = account;
        std::shuffle(mine.begin(), mine.end(), mine_random);
        for (std::size_t from = 0; from < mine.size();) {
          const std::size_t n = std::min<std::size_t>(1 + mine_random() % 40, mine.size() - from);
          apply({mine.data() + from, n});
          from += n;
        }
      });
    }
    threads.clear();
    ASSERT_EQ(snapshot(), end) << "round " << round;
  }
  EXPECT_EQ(db().state().conflicts, 0) << "no deadlock was broken";
}

}  // namespace
}  // namespace payoutd::payouts
