// What `payoutd doctor` finds of Stripe's side.
#include <gmock/gmock.h>

#include "world.h"

namespace payoutd::app {
namespace {

using testing::HasSubstr;

struct Doctor : ProgramTest {
  Json finding(const std::string& check, int expected_code) {
    Program command({"doctor", "--json"}, environment(sim.url()));
    EXPECT_EQ(command.ended().value_or(-1), expected_code) << command.said();
    const Json said = Json::parse(command.printed());
    for (const Json& found : said.at("checks")) {
      if (found.at("check") == check) return found;
    }
    return Json::object();
  }
};

TEST_F(Doctor, TellsTheKeyOfAnotherPlatform) {
  const std::string check = "the key's platform";
  EXPECT_EQ(finding(check, 0).value("ok", false), true);
  const auto taken = db().transact([&](pg::Tx& tx) {
    return access::connect_account(tx, organization,
                                   {.fields = {.stripe_account = "acct_another", .name = "Another"},
                                    .version = {from_unix(1)},
                                    .is_platform = true,
                                    .joined_at = from_unix(1)});
  });
  ASSERT_TRUE(taken);
  const Json found = finding(check, 3);
  EXPECT_EQ(found.value("ok", true), false);
  EXPECT_THAT(found.value("message", ""), HasSubstr("this database is that of the platform "
                                                    "acct_another"));
}

}  // namespace
}  // namespace payoutd::app
