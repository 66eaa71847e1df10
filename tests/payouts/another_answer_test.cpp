// A success that does not show the payout: by webhook, list or repetition it is found.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct AnotherAnswer : MoneyTest {
  std::string only(const char* column) {
    return sql(fmt::format("SELECT {}::text FROM instructions", column));
  }
  void resolve(const std::string& id) {
    sql("UPDATE instructions SET next_look_at = NULL RETURNING ''");
    static_cast<void>(service->payouts.resolver().resolve(organization, *PayoutId::parse(id)));
  }
  void answer_with(const char* body, int count = 1) {
    fault_of_creation({{"do", "status_after"}, {"status", 200}, {"body", body}, {"count", count}});
  }
};

constexpr const char* kOtherAnswers[] = {
    R"({"object":"payout"})",
    R"({"object":"payout","id":"po_other","amount":2500,"currency":"usd"})",
    R"({"object":"charge","id":"ch_1"})"};

TEST_F(AnotherAnswer, IsResolvedByTheWebhook) {
  for (const char* body : kOtherAnswers) {
    answer_with(body);
    const std::string key = fmt::format("k{}", moved().size());
    const std::string id = pay_expecting("processing", key);
    EXPECT_EQ(state(id), "unknown") << body;
    see(moved().back()["id"]);
    work();
    EXPECT_EQ(state(id), "done") << body;
    EXPECT_EQ(status(id), "pending");
  }
  EXPECT_EQ(moved().size(), std::size(kOtherAnswers));
}

TEST_F(AnotherAnswer, IsResolvedByTheList) {
  answer_with(R"({"object":"payout"})");
  const std::string id = pay_expecting("processing");
  pass(15min);
  expect_paid_once(id);
  EXPECT_EQ(only("sends"), "1");
}

TEST_F(AnotherAnswer, IsResolvedByARepetition) {
  fault_of_creation({{"do", "status"}, {"status", 200}, {"body", kOtherAnswers[0]}});
  const std::string id = pay_expecting("processing");
  EXPECT_EQ(moved().size(), 0u);
  pass(15min);
  expect_paid_once(id);
}

// It was a success: though no list ever shows the payout, it is not called unpaid.
TEST_F(AnotherAnswer, ThatNoListShowsIsForAPerson) {
  fault_of_creation({{"do", "status"}, {"status", 200}, {"body", kOtherAnswers[1]}, {"count", 0}});
  const std::string id = pay_expecting("processing");
  clock.advance(24h);
  resolve(id);
  EXPECT_EQ(state(id), "unknown");
  clock.advance(1h);
  resolve(id);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(status(id), "processing");
}

TEST_F(AnotherAnswer, IsNotForgottenForWhatALaterSendCameTo) {
  fault_of_creation({{"do", "status"}, {"status", 200}, {"body", kOtherAnswers[1]}, {"count", 1}});
  const std::string id = pay_expecting("processing");
  fault_of_creation({{"do", "status"}, {"status", 500}, {"count", 0}});
  clock.advance(1min);
  resolve(id);
  clock.advance(24h);
  resolve(id);
  clock.advance(1h);
  resolve(id);
  EXPECT_EQ(state(id), "needs_review");
  EXPECT_EQ(status(id), "processing");
}

}  // namespace
}  // namespace payoutd::payouts
