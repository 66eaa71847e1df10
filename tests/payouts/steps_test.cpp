// Every pair of statuses on every rail, against the table of a payout's life as it is written for
// people.
#include "payouts/steps.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace payoutd::payouts {
namespace {

using rails::RailName;

// From each status to which others; in brackets what only a person does, on the manual rail.
const std::map<std::string, std::string> kLife = {
    {"pending", "approved queued canceled [processing] [paid] [failed]"},
    {"approved", "queued canceled [processing] [paid] [failed]"},
    {"queued", "processing canceled [paid] [failed]"},
    {"processing", "queued in_transit paid failed [canceled]"},
    {"in_transit", "paid failed canceled"},
    {"paid", "failed [canceled]"},
    {"failed", "queued canceled"},
    {"canceled", ""}};

bool listed(Status from, Status to, bool by_a_person) {
  const std::string life = " " + kLife.at(std::string(word_of(from))) + " ";
  const std::string word(word_of(to));
  return life.find(by_a_person ? " [" + word + "] " : " " + word + " ") != std::string::npos;
}

TEST(PayoutSteps, AreThoseThatAreListedAndNoOthers) {
  for (const Status from : kAllStatuses) {
    for (const Status to : kAllStatuses) {
      for (const RailName rail : rails::kRailNames) {
        const bool allowed =
            listed(from, to, false) || (rail == RailName::manual && listed(from, to, true));
        EXPECT_EQ(step_between(from, to, rail).has_value(), allowed)
            << word_of(from) << " to " << word_of(to) << " on " << word_of(rail);
      }
    }
  }
}

// What was held is paid once or given back once; what was paid is taken back once.
TEST(PayoutSteps, PostWhatTheStatusMeans) {
  for (const Status from : kAllStatuses) {
    for (const Status to : kAllStatuses) {
      const auto step = step_between(from, to, RailName::manual);
      if (!step) continue;
      const Posting expected = from == Status::paid     ? Posting::take_back
                               : to == Status::paid     ? Posting::pay
                               : to == Status::canceled ? Posting::give_back
                                                        : Posting::none;
      EXPECT_EQ(step->posting, expected) << word_of(from) << " to " << word_of(to);
    }
  }
}

TEST(PayoutStatus, KeepsAWordOfStripesThatIsUnknown) {
  const StatusWord word("resting");
  EXPECT_FALSE(word.known());
  for (const Status one : kAllStatuses) {
    EXPECT_FALSE(word == one);
    EXPECT_TRUE(StatusWord(one) == one);
    EXPECT_EQ(status_of(word_of(one)), one);
  }
}

TEST(PayoutStatus, SetsKnowTheirMembers) {
  constexpr Statuses two{Status::queued, Status::canceled};
  EXPECT_TRUE(two.contains(Status::queued));
  EXPECT_FALSE(two.contains(Status::pending));
  EXPECT_EQ(two.words(), (std::vector<std::string_view>{"queued", "canceled"}));
}

}  // namespace
}  // namespace payoutd::payouts
