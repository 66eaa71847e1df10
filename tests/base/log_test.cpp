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

TEST(Secret, PrintsOnlyItsMask) {
  EXPECT_EQ(fmt::format("{}", Secret("sk_test_x")), "[secret]");
}

TEST(LogSetting, SaysWhatIsAllowed) {
  EXPECT_TRUE(log::configure("info,text"));
  EXPECT_NE(log::configure("loud").error().message.find("debug, info, warn or error"),
            std::string::npos);
}

}  // namespace
}  // namespace payoutd
