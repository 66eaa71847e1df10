#include "stripe/form.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace payoutd::stripe {
namespace {

TEST(Form, KeepsTheOrderAndEncodesWhatItMust) {
  Form form;
  form.add("amount", std::int64_t{5'000'000'000}).add("currency", "eur").add("livemode", false);
  form.add("description", "Zahlung über 11 €: a+b & c=d").metadata("payout", "0190");
  EXPECT_EQ(form.str(),
            "amount=5000000000&currency=eur&livemode=false&description=Zahlung%20%C3%BCber%2011%20%"
            "E2%82%AC"
            "%3A%20a%2Bb%20%26%20c%3Dd&metadata[payout]=0190");
}

TEST(Form, KeepsBracketsOfNames) {
  EXPECT_EQ(Form{}.add("created[gte]", 7).add("expand[]", "data.source").str(),
            "created[gte]=7&expand[]=data.source");
}

TEST(Form, AMetadataKeyCannotBreakOut) {
  EXPECT_EQ(Form{}.metadata("a]&amount", "1").str(), "metadata[a%5D%26amount]=1");
}

TEST(Form, AnEmptyValueUnsets) { EXPECT_EQ(Form{}.add("metadata", "").str(), "metadata="); }

TEST(Form, SameCallsGiveSameBytes) {
  const auto build = [] { return Form{}.add("b", 1).add("a", "ü").metadata("k", "v").str(); };
  EXPECT_EQ(build(), build());
}

TEST(Path, AnIdFromOutsideStaysInItsSegment) {
  EXPECT_EQ(v1_path({"payouts", "po_1", "cancel"}), "/v1/payouts/po_1/cancel");
  EXPECT_EQ(v1_path({"payouts", "../accounts?x=1#y"}), "/v1/payouts/..%2Faccounts%3Fx%3D1%23y");
  EXPECT_EQ(v1_path({"payouts", ".."}), "/v1/payouts/%2E%2E");
  EXPECT_THROW(v1_path({"payouts", ""}), Broken);
}

}  // namespace
}  // namespace payoutd::stripe
