// Sending and finding out, as a machine that knows no rail does it.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Sending : MoneyTest {
  int requests() { return sim.stats()["requests"].get<int>(); }
};

// Stripe has paid all of them, and every answer was lost.
TEST_F(Sending, OneListOfAnAccountSettlesAllItsUnknowns) {
  constexpr int kPayouts = 12;
  std::vector<std::string> ids;
  for (int i = 0; i < kPayouts; ++i)
    ids.push_back(
        pay_with({{"do", "status_after"}, {"status", 500}}, "processing", "k" + std::to_string(i)));
  EXPECT_EQ(moved().size(), static_cast<std::size_t>(kPayouts));
  const int before = requests();
  pass(15min);
  EXPECT_LE(requests() - before, 3);  // two jobs may begin at once
  for (const std::string& id : ids) {
    EXPECT_EQ(state(id), "done");
    EXPECT_EQ(status(id), "pending");
  }
  EXPECT_EQ(moved().size(), static_cast<std::size_t>(kPayouts));
}

// One whose object nobody can read leaves the others as they are.
TEST_F(Sending, OneOfAnotherAmountDecidesNothingForTheRest) {
  const std::string odd = pay_with({{"do", "reset_before"}}, "processing", "k1");
  const std::string even = pay_with({{"do", "status_after"}, {"status", 500}}, "processing", "k2");
  const auto made =
      sim.call("POST", "/v1/payouts",
               {{"amount", "777"},
                {"currency", "usd"},
                {"metadata", {{stripe::kPayoutIdKey, odd}, {stripe::kAttemptKey, "1"}}}},
               shop);
  ASSERT_EQ(made.status, 200) << made.body;
  pass(15min);
  EXPECT_EQ(state(odd), "needs_review");
  EXPECT_EQ(state(even), "done");
  EXPECT_EQ(status(even), "pending");
}

// A caller is answered with what is known by then; what Stripe says later is written down all the
// same, and nothing is sent twice.
TEST_F(Sending, ACallerDoesNotWaitAsLongAsStripeMay) {
  start({.caller_waits = 50ms});
  fault_of_creation({{"do", "latency"}, {"ms", 1'500}, {"count", 1}});
  const auto began = std::chrono::steady_clock::now();
  const std::string id = pay_expecting("processing");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1'400ms);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (state(id) != "done" && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  expect_paid_once(id);
}

// A refusal that comes after the caller has gone stands with the payout.
TEST_F(Sending, ALateRefusalIsThePayouts) {
  start({.caller_waits = 50ms});
  fund(shop, -999'000);
  fault_of_creation({{"do", "latency"}, {"ms", 700}, {"count", 1}});
  const auto id = service->payouts.pay_out(wanted(999'999));
  ASSERT_TRUE(id.ok());
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (state(id->str()) == "sending" && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  expect_not_paid(id->str(), "balance_insufficient");
}

// The key, the account, what was asked before, the intent, the answer, the payout as shown, the
// key's answer: nothing is looked up twice.
TEST_F(Sending, APayoutTakesAFewTransactions) {
  pay_expecting("pending", "first");  // the process now knows the key, the account and its balance
  const auto before = service->db->state().transactions;
  pay_expecting("pending", "second");
  EXPECT_LE(service->db->state().transactions - before, 7);
}

}  // namespace
}  // namespace payoutd::payouts
