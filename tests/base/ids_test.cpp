#include "base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

namespace payoutd {
namespace {

TEST(Uuid, ReadsWhatItWrites) {
  const Uuid id = Uuid::v7();
  EXPECT_EQ(Uuid::parse(id.str()), id);
  EXPECT_EQ(Uuid::parse("0190163D-8694-739B-AEA5-966C26F8AD91")->str(),
            "0190163d-8694-739b-aea5-966c26f8ad91");
}

TEST(Uuid, RefusesEverythingElse) {
  for (const char* bad :
       {"", "po_123", "0190163d8694739baea5966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad9",
        "0190163d-8694-739b-aea5-966c26f8ad9g", "0190163d-8694-739b-aea5_966c26f8ad91"}) {
    EXPECT_FALSE(Uuid::parse(bad)) << bad;
  }
}

TEST(Uuid, HasVersionSevenAndItsVariant) {
  const std::string text = Uuid::v7().str();
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
}

TEST(Uuid, GrowsWithinAThreadAndNeverRepeatsAcrossThreads) {
  std::vector<std::vector<Uuid>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& list : made) {
      threads.emplace_back([&list] {
        for (int i = 0; i < 20'000; ++i) list.push_back(Uuid::v7());
      });
    }
  }
  std::set<Uuid> all;
  for (const auto& list : made) {
    EXPECT_TRUE(std::ranges::is_sorted(list));
    all.insert(list.begin(), list.end());
  }
  EXPECT_EQ(all.size(), 80'000u);
}

TEST(RandomText, IsOfItsLengthAndDiffers) {
  EXPECT_EQ(random_text(32).size(), 32u);
  EXPECT_NE(random_text(32), random_text(32));
}

}  // namespace
}  // namespace payoutd
