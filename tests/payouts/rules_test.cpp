#include <gtest/gtest.h>

#include <random>

#include "payouts/stripe_payout.h"

namespace payoutd::payouts {
namespace {

State state(std::mt19937& random) {
  constexpr const char* kWords[] = {"pending",  "in_transit", "paid",
                                    "canceled", "failed",     "resting"};
  StripePayout payout;
  payout.status = StatusWord(kWords[random() % 6]);
  payout.metadata = {random() % 2 == 0 ? "{}" : R"({"a":"1"})"};
  payout.reconciliation_status = random() % 3 == 0 ? "completed" : "in_progress";
  const std::string own_event = "payout." + payout.status.text;
  mirror::Version version{.organization = {},
                          .shown_at = from_unix(static_cast<int>(random() % 4))};
  if (random() % 2 == 0) version.source = mirror::Source::event;
  version.event_type = random() % 2 == 0 ? std::string_view(own_event) : "payout.updated";
  return state_of(std::move(payout), version);
}

void expect_same(const State& a, const State& b) {
  EXPECT_EQ(a.shown, b.shown);
  EXPECT_EQ(a.tied, b.tied);
  EXPECT_EQ(a.body.status, b.body.status);
  EXPECT_EQ(a.body.metadata, b.body.metadata);
  EXPECT_EQ(a.body.reconciliation_status, b.body.reconciliation_status);
  EXPECT_TRUE(a.happened == b.happened);
  EXPECT_TRUE(a.seen == b.seen);
}

TEST(PayoutRules, MergeIsAssociativeCommutativeAndIdempotent) {
  std::mt19937 random(7);
  for (int i = 0; i < 5000 && !testing::Test::HasFailure(); ++i) {
    const State a = state(random), b = state(random), c = state(random);
    expect_same(merge(a, b), merge(b, a));
    expect_same(merge(merge(a, b), c), merge(a, merge(b, c)));
    expect_same(merge(merge(a, b), b), merge(a, b));
  }
}

TEST(PayoutRules, TheRankOfWordsIsALife) {
  EXPECT_LT(rank_of(Status::pending), rank_of(Status::in_transit));
  EXPECT_LT(rank_of(Status::in_transit), rank_of(Status::paid));
  EXPECT_LT(rank_of(Status::paid), rank_of(Status::canceled));
  EXPECT_LT(rank_of(Status::canceled), rank_of(Status::failed));
  EXPECT_EQ(rank_of(StatusWord("resting")), 0);
  EXPECT_FALSE(is_final(Status::paid));
  EXPECT_TRUE(is_final(Status::canceled));
}

}  // namespace
}  // namespace payoutd::payouts
