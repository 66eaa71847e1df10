#include "base/log.h"

#include <gtest/gtest.h>

#include "base/secret.h"

namespace payoutd {
namespace {

TEST(Redact, MasksKeysWhereverTheyStand) {
  EXPECT_EQ(log::redact("key sk_live_abc123 end"), "key sk_live_*** end");
  EXPECT_EQ(log::redact("whsec_a,whsec_b"), "whsec_***,whsec_***");
  EXPECT_EQ(log::redact("Authorization: Bearer abc.def-ghi"), "Authorization: Bearer ***");
  EXPECT_EQ(log::redact("postgresql://me:pass@host/db"), "postgresql://***@host/db");
  EXPECT_EQ(log::redact("http://127.0.0.1:8080/x"), "http://127.0.0.1:8080/x");
  EXPECT_EQ(log::redact("pk_payoutd_ab12 and po_123"), "pk_payoutd_*** and po_123");
}

TEST(Secret, PrintsOnlyItsMask) { EXPECT_EQ(fmt::format("{}", Secret("sk_test_x")), "[secret]"); }

TEST(LogSetting, SaysWhatIsAllowed) {
  EXPECT_TRUE(log::configure("info,text"));
  EXPECT_NE(log::configure("loud").error().message.find("debug, info, warn or error"),
            std::string::npos);
}

TEST(Repeated, WritesEachStateAtOnceAndThenSeldomWithACount) {
  log::Repeated line(std::chrono::seconds(30));
  const log::Repeated::Instant start = std::chrono::steady_clock::now();
  const auto at = [&](int seconds, const char* state) {
    return line.due(state, start + std::chrono::seconds(seconds));
  };
  EXPECT_EQ(at(0, "read-only"), 0u);
  EXPECT_EQ(at(1, "read-only"), std::nullopt);
  EXPECT_EQ(at(2, "lost"), 0u) << "another state";
  EXPECT_EQ(at(3, "read-only"), std::nullopt) << "again, as it was";
  EXPECT_EQ(at(29, "lost"), std::nullopt);
  EXPECT_EQ(at(30, "read-only"), 2u);
  EXPECT_EQ(at(31, "read-only"), std::nullopt);
  EXPECT_EQ(at(60, "read-only"), 1u);
}

TEST(Repeated, IsOverOnce) {
  log::Repeated line;
  EXPECT_FALSE(line.over());
  EXPECT_TRUE(line.due("lost", std::chrono::steady_clock::now()));
  EXPECT_TRUE(line.over());
  EXPECT_FALSE(line.over());
}

TEST(Repeated, KeepsFewStatesHoweverMuchTheyDiffer) {
  log::Repeated line;
  const log::Repeated::Instant now = std::chrono::steady_clock::now();
  int written = 0;
  for (int i = 0; i < 1'000; ++i) written += line.due(std::to_string(i), now).has_value() ? 1 : 0;
  EXPECT_LT(written, 50);
}

}  // namespace
}  // namespace payoutd
