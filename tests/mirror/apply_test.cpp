#include <filesystem>
#include <map>
#include <thread>

#include "mirror/world.h"

namespace payoutd::mirror {
namespace {

struct MirrorApply : MirrorTest {
  // Each order of the versions, told in each of kTellings to an empty table: all end in one and the
  // same table, every column of it.
  void expect_one_end(const std::string& name, const std::vector<Version>& versions) {
    std::string end;
    for_each_order(versions, [&](const std::vector<std::vector<Version>>& calls) {
      clear(name);
      for (const std::vector<Version>& call : calls) apply(call);
      if (end.empty()) end = table(name);
      ASSERT_EQ(table(name), end);
    });
  }
  Json charge = fixture("charge.updated")["data"]["object"];
  Json transaction = fixture("balance_transactions.list")["data"][0];
};

TEST_F(MirrorApply, KeepsOneEventOfEachKindInItsTable) {
  const std::map<std::string, std::string> tables = {{"charge", "charges"},
                                                     {"payment_intent", "payment_intents"},
                                                     {"refund", "refunds"},
                                                     {"dispute", "disputes"},
                                                     {"customer", "customers"},
                                                     {"subscription", "subscriptions"},
                                                     {"transfer", "transfers"},
                                                     {"application_fee", "application_fees"},
                                                     {"fee_refund", "application_fee_refunds"}};
  int seen = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(PAYOUTD_SOURCE_DIR "/fixtures/stripe")) {
    const std::string name = file.path().stem();
    if (name.ends_with(".list") || name.starts_with("payout.") || name.starts_with("account.")) {
      continue;
    }
    SCOPED_TRACE(name);
    Shelf shelf(org);
    const Json object = fixture(name)["data"]["object"];
    shelf.event(name);
    const std::string& kept_in = tables.at(object["object"]);
    clear(kept_in);
    const Applied applied = apply(shelf.all());
    EXPECT_EQ(applied.verdicts[0].outcome, Outcome::applied) << applied.verdicts[0].error;
    EXPECT_TRUE(applied.verdicts[0].created);
    EXPECT_EQ(sql(fmt::format("SELECT stripe_id AS it FROM {}", kept_in)), object["id"]);
    ++seen;
  }
  EXPECT_GE(seen, 35);
}

TEST_F(MirrorApply, EveryOrderOfARefundedChargeEndsInOneRow) {
  Shelf shelf(org);
  shelf.event("charge.succeeded");
  shelf.event("charge.updated");
  shelf.event("charge.refunded");
  shelf.add(charge, kStart + 100);
  expect_one_end("charges", shelf.all());
  EXPECT_EQ(sql("SELECT amount_refunded AS it FROM charges"), "2900");
}

TEST_F(MirrorApply, WithinOneSecondAChargeOnlyGoesForward) {
  Shelf shelf(org);
  shelf.event("charge.succeeded",
              with(charge, {{"status", "pending"}, {"balance_transaction", nullptr}}), kStart);
  shelf.event("charge.updated", charge, kStart);
  shelf.event("charge.refunded", with(charge, {{"amount_refunded", 100}}), kStart);
  shelf.event("charge.refunded", with(charge, {{"amount_refunded", 12900}, {"refunded", true}}),
              kStart);
  expect_one_end("charges", shelf.all());
  EXPECT_EQ(sql("SELECT amount_refunded AS it FROM charges"), "12900");
  EXPECT_EQ(sql("SELECT tied::text AS it FROM charges"), "false");
}

TEST_F(MirrorApply, EveryOrderOfASubscriptionEndsCanceled) {
  Shelf shelf(org);
  shelf.event("customer.subscription.created");
  shelf.event("customer.subscription.updated");  // of the same second
  shelf.event("customer.subscription.deleted");
  shelf.add(fixture("customer.subscription.updated")["data"]["object"],
            kStart + 900'000);  // skewed
  expect_one_end("subscriptions", shelf.all());
  EXPECT_EQ(sql("SELECT status AS it FROM subscriptions"), "canceled");
}

TEST_F(MirrorApply, ACutListTakesNothingAwayAndCallsForTheRest) {
  Json whole = fixture("customer.subscription.updated")["data"]["object"];
  Json first = whole["items"]["data"][0], second = first;
  first["id"] = "si_first";
  second["id"] = "si_second";
  whole["items"]["data"] = {first, second};
  whole["items"]["has_more"] = false;
  Json cut = with(whole, {{"status", "past_due"}});
  cut["items"]["data"] = Json::array({first});
  cut["items"]["has_more"] = true;
  Shelf shelf(org);
  shelf.add(whole, kStart);
  shelf.event("customer.subscription.updated", cut, kStart + 10);
  const std::span versions = shelf.all();
  EXPECT_TRUE(apply(versions.first(1)).refetch.empty());
  const Applied applied = apply(versions.last(1));
  ASSERT_EQ(applied.refetch.size(), 1u);
  EXPECT_EQ(applied.refetch[0].type, "subscription");
  EXPECT_EQ(applied.refetch[0].not_before, from_unix(kStart + 11));
  EXPECT_EQ(sql("SELECT format('%s %s %s', status, jsonb_array_length(items), cut) AS it"
                " FROM subscriptions"),
            "past_due 2 t");
  // What is fetched then is the newest, whatever came before it in which order.
  shelf.add(with(whole, {{"status", "past_due"}}), kStart + 10, Source::fetch);
  expect_one_end("subscriptions", shelf.all());
  EXPECT_EQ(sql("SELECT format('%s %s %s', status, jsonb_array_length(items), cut) AS it"
                " FROM subscriptions"),
            "past_due 2 f");
}

TEST_F(MirrorApply, EveryOrderOfADisputeEndsReinstated) {
  Shelf shelf(org);
  for (const char* name : {"created", "funds_withdrawn", "closed", "funds_reinstated"}) {
    shelf.event(std::string("charge.dispute.") + name);
  }
  expect_one_end("disputes", shelf.all());
  EXPECT_EQ(sql("SELECT jsonb_array_length(balance_transactions)::text AS it FROM disputes"), "2");
}

TEST_F(MirrorApply, ARefundThatFailedStaysFailed) {
  Shelf shelf(org);
  shelf.event("refund.created");
  shelf.event("refund.updated");
  shelf.event("refund.failed");
  shelf.add(fixture("refund.updated")["data"]["object"], kStart + 900'000);
  expect_one_end("refunds", shelf.all());
  EXPECT_EQ(sql("SELECT status AS it FROM refunds"), "failed");
}

TEST_F(MirrorApply, EveryOrderOfAPaymentIntentEndsSucceeded) {
  Shelf shelf(org);
  for (const char* name : {"created", "requires_action", "processing", "succeeded"}) {
    shelf.event(std::string("payment_intent.") + name);
  }
  shelf.add(fixture("payment_intent.succeeded")["data"]["object"], kStart + 900'000);
  expect_one_end("payment_intents", shelf.all());
  EXPECT_EQ(sql("SELECT status AS it FROM payment_intents"), "succeeded");
}

TEST_F(MirrorApply, EveryOrderOfATransferEndsReversed) {
  Shelf shelf(org);
  for (const char* name : {"created", "updated", "reversed"}) {
    shelf.event(std::string("transfer.") + name);
  }
  const Json reversed = fixture("transfer.reversed");
  shelf.add(reversed["data"]["object"], reversed["created"], Source::fetch);  // of that second
  expect_one_end("transfers", shelf.all());
  EXPECT_EQ(sql("SELECT (amount_reversed > 0)::text AS it FROM transfers"), "true");
}

TEST_F(MirrorApply, EveryOrderOfAnApplicationFeeEndsInTheSameFeeAndRefunds) {
  Shelf shelf(org);
  shelf.event("application_fee.created");
  shelf.event("application_fee.refunded");
  shelf.event("application_fee.refund.updated");
  shelf.add(fixture("application_fee.refunded")["data"]["object"], kStart + 900'000);
  expect_one_end("application_fees", shelf.all());
  expect_one_end("application_fee_refunds", shelf.all());
  EXPECT_EQ(sql("SELECT amount_refunded AS it FROM application_fees"), "300");
}

TEST_F(MirrorApply, ADeletedCustomerStaysDeletedAndNameless) {
  Shelf shelf(org);
  shelf.event("customer.created");
  shelf.event("customer.updated");
  shelf.event("customer.deleted");
  shelf.add({{"id", "cus_QDemo0001"}, {"object", "customer"}, {"deleted", true}},
            kStart + 2'000'000, Source::fetch);
  expect_one_end("customers", shelf.all());
  EXPECT_EQ(
      sql("SELECT format('%s %s %s', deleted, email, created IS NOT NULL) AS it FROM customers"),
      "t  t");
}

TEST_F(MirrorApply, ATieOfOneSecondIsFetchedAgainWhateverTheOrder) {
  const Json customer = fixture("customer.updated")["data"]["object"];
  Shelf shelf(org);
  shelf.event("customer.updated", with(customer, {{"name", "A"}}), kStart);
  shelf.event("customer.updated", with(customer, {{"name", "B"}}), kStart);
  expect_one_end("customers", shelf.all());
  EXPECT_EQ(sql("SELECT tied::text AS it FROM customers"), "true");

  for (const bool reversed : {false, true}) {
    clear("customers");
    std::vector<Version> versions = shelf.all();
    if (reversed) std::reverse(versions.begin(), versions.end());
    EXPECT_TRUE(apply({&versions[0], 1}).refetch.empty());
    const Applied applied = apply({&versions[1], 1});
    ASSERT_EQ(applied.refetch.size(), 1u);
    EXPECT_EQ(applied.refetch[0],
              (Refetch{org, kAccount, "customer", customer["id"], from_unix(kStart + 1)}));
    EXPECT_TRUE(apply({&versions[1], 1}).refetch.empty()) << "asked for once";
  }
  clear("customers");
  EXPECT_EQ(apply(shelf.all()).refetch.size(), 1u) << "in one batch";

  Shelf fetched(org);
  fetched.add(with(customer, {{"name", "B"}}), kStart + 1, Source::fetch);
  EXPECT_TRUE(apply(fetched.all()).refetch.empty());
  EXPECT_EQ(sql("SELECT tied::text || name AS it FROM customers"), "falseB");
}

TEST_F(MirrorApply, TheFirstVersionOfASecondIsNoTie) {
  const Json customer = fixture("customer.updated")["data"]["object"];
  Shelf shelf(org);
  shelf.event("customer.updated", with(customer, {{"name", "Later"}}), kStart);
  shelf.event("customer.created", with(customer, {{"name", "First"}}), kStart);
  expect_one_end("customers", shelf.all());
  EXPECT_EQ(sql("SELECT tied::text || name AS it FROM customers"), "falseLater");
}

TEST_F(MirrorApply, OneObjectIdOnTwoAccountsIsTwoRows) {
  Shelf shelf(org);
  shelf.add(with(charge, {{"amount_refunded", 1}}), kStart, Source::list, kAccount);
  shelf.add(with(charge, {{"amount_refunded", 2}}), kStart, Source::list, kOtherAccount);
  EXPECT_EQ(apply(shelf.all()).created, 2u);
  EXPECT_EQ(sql("SELECT string_agg(account || ' ' || amount_refunded, ', ' ORDER BY account) AS it "
                "FROM charges"),
            "acct_1MirrorDemo0001 1, acct_1MirrorDemo0002 2");
}

TEST_F(MirrorApply, AmountsHaveSixtyFourBits) {
  Shelf shelf(org);
  shelf.add(with(transaction, {{"amount", 9'007'199'254'740'993},
                               {"fee", -9'007'199'254'740'993},
                               {"net", 9'223'372'036'854'775'807}}),
            kStart);
  apply(shelf.all());
  EXPECT_EQ(sql("SELECT amount || ' ' || fee || ' ' || net AS it FROM balance_transactions"),
            "9007199254740993 -9007199254740993 9223372036854775807");
}

TEST_F(MirrorApply, AnExchangeRateKeepsItsDigits) {
  Shelf shelf(org);
  Version& version = shelf.add(fixture("balance_transactions.list")["data"][1], kStart);
  std::string text(version.object);
  const auto at = text.find("1.052493456789012");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, text.find_first_of(",}", at) - at, "1.05249345678901230");
  version.object = shelf.keep(text);
  apply(shelf.all());
  EXPECT_EQ(sql("SELECT exchange_rate::text AS it FROM balance_transactions"),
            "1.05249345678901230");
}

TEST_F(MirrorApply, PoisonIsRefusedByItselfWithItsReason) {
  Shelf shelf(org);
  shelf.add(charge, kStart);
  shelf.add(with(charge, {{"id", "ch_bad"}, {"amount", "12.00"}}), kStart);
  shelf.add(with(charge, {{"id", "ch_bad"}, {"currency", nullptr}}), kStart);
  shelf.add(with(charge, {{"id", nullptr}}), kStart);
  shelf.add(with(charge, {{"id", "ch_bad"}, {"created", 99'999'999'999'999}}), kStart);
  shelf.add(Json::array(), kStart);
  shelf.add({{"object", "radar.early_fraud_warning"}, {"id", "issfr_1"}}, kStart);
  shelf.add(charge, kStart).object = "{\"object\": \"charge\", \"id\": \"ch_";
  shelf.add(
      with(charge,
           {{"id", "ch_good"}, {"description", std::string("a\0b", 3)}, {"status", "resting"}}),
      kStart);
  const Applied applied = apply(shelf.all());
  std::vector<std::string> errors;
  for (const Verdict& verdict : applied.verdicts) errors.push_back(verdict.error);
  EXPECT_EQ(applied.verdicts[0].outcome, Outcome::applied);
  EXPECT_EQ(errors[1], "ch_bad: amount is not a whole number of 64 bits");
  EXPECT_EQ(errors[2], "ch_bad: currency is missing");
  EXPECT_EQ(errors[3], "id is missing");
  EXPECT_EQ(errors[4], "ch_bad: created is not a time between 1970 and 9999");
  EXPECT_EQ(errors[5], "not a JSON object");
  EXPECT_EQ(applied.verdicts[6].outcome, Outcome::ignored);
  EXPECT_EQ(applied.verdicts[7].outcome, Outcome::refused);
  EXPECT_EQ(applied.verdicts[8].outcome, Outcome::applied);
  EXPECT_EQ(sql("SELECT count(*)::text AS it FROM charges"), "2");
  EXPECT_EQ(sql("SELECT description || status AS it FROM charges WHERE stripe_id = 'ch_good'"),
            "a\xEF\xBF\xBD"
            "bresting");
}

TEST_F(MirrorApply, NulInsideJsonDoesNotFailABatch) {
  Shelf shelf(org);
  Version& version = shelf.add(fixture("transfer.created")["data"]["object"], kStart);
  std::string text(version.object);
  text.replace(text.find("\"44\""), 4, R"("a\u0000b\\u0000")");
  version.object = shelf.keep(text);
  EXPECT_EQ(apply(shelf.all()).verdicts[0].outcome, Outcome::applied);
  EXPECT_EQ(sql("SELECT metadata->>'release' AS it FROM transfers"),
            "a\xEF\xBF\xBD"
            "b\\u0000");
}

TEST_F(MirrorApply, AFeesRefundsAreKeptFromInsideTheFee) {
  Shelf shelf(org);
  shelf.event("application_fee.refunded");
  shelf.event("application_fee.refund.updated");
  apply(shelf.all());
  EXPECT_EQ(sql("SELECT stripe_id || amount AS it FROM application_fee_refunds"),
            "fr_1QFeeBack0001300");
  EXPECT_EQ(sql("SELECT amount_refunded AS it FROM application_fees"), "300");
}

TEST_F(MirrorApply, AnAccountShowsItsNewestStateAndItsDeauthorization) {
  const Json account = fixture("account.updated")["data"]["object"];
  Shelf shelf(org);
  shelf.event("account.updated", with(account, {{"payouts_enabled", false}}), kStart - 10);
  shelf.event("account.updated");
  std::vector<Version> versions = shelf.all();
  std::reverse(versions.begin(), versions.end());
  apply_one_by_one(versions);
  EXPECT_EQ(
      sql("SELECT payouts_enabled::text AS it FROM connected_accounts WHERE stripe_account_id = '" +
          std::string(kAccount) + "'"),
      "true");
  Shelf gone(org);
  gone.event("account.application.deauthorized");
  EXPECT_EQ(apply(gone.all()).verdicts[0].outcome, Outcome::applied);
  EXPECT_EQ(sql("SELECT status AS it FROM connected_accounts WHERE stripe_account_id = '" +
                std::string(kAccount) + "'"),
            "deauthorized");
}

TEST_F(MirrorApply, OneTenantsObjectsAreNotAnothers) {
  Shelf first(org), second(other_org);
  first.add(charge, kStart);
  second.add(with(charge, {{"amount_refunded", 7}}), kStart + 5);
  apply(first.all());
  apply(second.all());
  EXPECT_EQ(sql("SELECT count(DISTINCT organization_id)::text AS it FROM charges"), "2");
}

TEST_F(MirrorApply, AThousandMixedObjectsGoInOneBatch) {
  Shelf shelf(org);
  for (int i = 0; i < 250; ++i) {
    const std::string n = std::to_string(i);
    shelf.add(with(charge, {{"id", "ch_" + n}}), kStart + i % 3);
    shelf.add(with(transaction, {{"id", "txn_" + n}}), kStart);
    shelf.event("customer.updated",
                with(fixture("customer.updated")["data"]["object"], {{"id", "cus_" + n}}), kStart);
    shelf.event("charge.refunded", with(charge, {{"id", "ch_" + n}, {"amount_refunded", 5}}),
                kStart + 9);
  }
  const Applied applied = apply(shelf.all());
  EXPECT_EQ(applied.created, 750u);
  EXPECT_EQ(sql("SELECT sum(amount_refunded)::text AS it FROM charges"), "1250");
}

// Whatever the batches, their order and their repetitions, four writers at once leave what one
// leaves.
TEST_F(MirrorApply, ParallelWritersOverTheSameObjectsEndAsOne) {
  Shelf shelf(org);
  for (int object = 0; object < 40; ++object) {
    for (int version = 0; version < 6; ++version) {
      const std::string id = std::to_string(object);
      shelf.event("charge.updated",
                  with(charge, {{"id", "ch_" + id},
                                {"amount_refunded", version % 4 * 10},
                                {"description", std::to_string(version % 5)}}),
                  kStart + version / 3);
      shelf.event("customer.updated",
                  with(fixture("customer.updated")["data"]["object"],
                       {{"id", "cus_" + id}, {"balance", version}}),
                  kStart + version / 2);
      shelf.add(with(transaction, {{"id", "txn_" + id},
                                   {"available_on", kStart + version},
                                   {"status", version == 3 ? "available" : "pending"}}),
                kStart + version);
    }
  }
  const std::vector<std::string> names = {"charges", "customers", "balance_transactions"};
  std::vector<std::string> ends;
  apply(shelf.all());
  for (const auto& name : names) ends.push_back(table(name)), clear(name);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::jthread> threads;
    for (unsigned writer = 0; writer < 4; ++writer) {
      threads.emplace_back([&, writer] {
        std::mt19937 random(static_cast<unsigned>(round) * 4 + writer);
        std::vector<Version> mine = shelf.all();
        std::shuffle(mine.begin(), mine.end(), random);
        for (std::size_t from = 0; from < mine.size();) {
          const std::size_t n = std::min<std::size_t>(1 + random() % 120, mine.size() - from);
          apply({mine.data() + from, n});
          from += n;
        }
      });
    }
    threads.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(table(names[i]), ends[i]);
      clear(names[i]);
    }
  }
  EXPECT_EQ(db().state().conflicts, 0) << "no deadlock was broken";
}

}  // namespace
}  // namespace payoutd::mirror
