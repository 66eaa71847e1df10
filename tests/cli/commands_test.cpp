// The commands as a shell runs them: exit codes, what goes to which stream, and one JSON object a
// line with `--json`.
#include <gmock/gmock.h>

#include <sstream>

#include "access/organizations.h"
#include "base/json.h"
#include "support/database.h"
#include "support/program.h"

namespace payoutd::cli {
namespace {

using testing::HasSubstr;

constexpr int kDone = 0, kFailed = 1, kWrongUsage = 2;

struct Ran {
  int code = -1;
  std::string printed, said;
};

std::vector<Json> lines_of(const std::string& printed) {
  std::vector<Json> lines;
  std::istringstream in(printed);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

struct Commands : support::DatabaseTest {
  Commands() { CHECK(access::ensure_platform_organization(db(), "Platform").ok()); }

  Ran run(const std::vector<std::string>& words, std::string database = "") {
    if (database.empty()) database = url().reveal();
    support::Program program(words, {{"DATABASE_URL", database}, {"STRIPE_SECRET_KEY", ""}});
    const int code = program.ended().value_or(-1);
    return {code, program.printed(), program.said()};
  }
  Json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, kDone) << ran.said;
    const auto lines = lines_of(ran.printed);
    EXPECT_EQ(lines.size(), 1u) << ran.printed;
    return lines.empty() ? Json() : lines.front();
  }
};

const std::vector<std::vector<std::string>> kCommands = {{"dev"},
                                                         {"serve"},
                                                         {"migrate"},
                                                         {"sync"},
                                                         {"verify"},
                                                         {"report", "revenue"},
                                                         {"report", "fees"},
                                                         {"report", "customers"},
                                                         {"report", "payout-reconciliation"},
                                                         {"report", "balance"},
                                                         {"accounts", "list"},
                                                         {"accounts", "default"},
                                                         {"keys", "create"},
                                                         {"keys", "list"},
                                                         {"keys", "revoke"},
                                                         {"events", "list"},
                                                         {"events", "show"},
                                                         {"events", "replay"},
                                                         {"dlq", "list"},
                                                         {"dlq", "requeue"},
                                                         {"dlq", "discard"},
                                                         {"review", "list"},
                                                         {"review", "settle"},
                                                         {"doctor"},
                                                         {"stripe-sim"}};

TEST_F(Commands, HelpNamesTheOptionsAndExitsWithZero) {
  for (auto words : kCommands) {
    words.emplace_back("--help");
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, kDone) << words.front();
    EXPECT_THAT(ran.printed, HasSubstr("Options")) << words.front();
  }
}

TEST_F(Commands, AWordThatIsNoCommandIsNamed) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"bogus"}, {"keys", "bogus"}, {"events", "list", "bogus"}, {"report", "bogus"}}) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, kWrongUsage) << ran.said;
    EXPECT_THAT(ran.said, HasSubstr("bogus")) << words.front();
    EXPECT_EQ(ran.printed, "") << words.front();
  }
}

TEST_F(Commands, AnOptionThatTakesAWordNamesTheWordsThatItKnows) {
  const Ran state = run({"events", "list", "--state", "lost"});
  EXPECT_EQ(state.code, kWrongUsage);
  EXPECT_THAT(state.said, HasSubstr("out_of_range"));
  const Ran account = run({"accounts", "default", "po_1"});
  EXPECT_EQ(account.code, kWrongUsage);
  EXPECT_THAT(account.said, HasSubstr("acct_"));
}

TEST_F(Commands, AKeyIsMadeListedAndRevoked) {
  const Json made = answer({"keys", "create", "--role", "viewer", "--name", "for reports"});
  EXPECT_THAT(made.dump(), HasSubstr("pk_payoutd_"));
  const Json listed = answer({"keys", "list"}).at("data");
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].at("role"), "viewer");
  EXPECT_THAT(listed.dump(), testing::Not(HasSubstr(made.value("key", "?"))));
  const Json revoked = answer({"keys", "revoke", listed[0].at("id")});
  EXPECT_FALSE(revoked.at("revoked_at").is_null());
  EXPECT_EQ(run({"keys", "revoke", "no-id"}).code, kWrongUsage);
}

TEST_F(Commands, AListThatIsEmptySaysSoToPeopleAndIsEmptyForPrograms) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"keys", "list"}, {"accounts", "list"}, {"dlq", "list"}, {"review", "list"}}) {
    EXPECT_EQ(answer(words).at("data"), Json::array()) << words.front();
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, kDone) << ran.said;
    EXPECT_EQ(ran.printed, "") << words.front();
    EXPECT_NE(ran.said, "") << words.front();
  }
}

TEST_F(Commands, ARefusalIsOneJsonObjectWithItsCode) {
  const Ran ran = run({"events", "show", "evt_none", "--json"});
  EXPECT_EQ(ran.code, kFailed);
  const auto lines = lines_of(ran.printed);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("error").at("code"), "event_not_found");
}

TEST_F(Commands, ADatabaseThatIsAwayIsToldInTheFormThatWasAskedFor) {
  const std::string nowhere = "postgresql://nobody:hidden@127.0.0.1:1/nothing";
  const Ran people = run({"keys", "list"}, nowhere);
  EXPECT_EQ(people.code, kFailed);
  EXPECT_EQ(people.printed, "");
  EXPECT_THAT(people.said, HasSubstr("database"));
  const Ran program = run({"keys", "list", "--json"}, nowhere);
  EXPECT_EQ(program.code, kFailed);
  const auto lines = lines_of(program.printed);
  ASSERT_EQ(lines.size(), 1u) << program.printed;
  EXPECT_EQ(lines[0].at("error").at("code"), "database_lost");
  for (const Ran& ran : {people, program}) EXPECT_THAT(ran.said, testing::Not(HasSubstr("hidden")));
}

TEST_F(Commands, ACommandThatNeedsStripeSaysWhichSettingIsMissing) {
  for (const char* word : {"sync", "verify"}) {
    const Ran ran = run({word});
    EXPECT_NE(ran.code, kDone) << word;
    EXPECT_THAT(ran.said, HasSubstr("STRIPE_SECRET_KEY")) << word;
  }
}

}  // namespace
}  // namespace payoutd::cli
