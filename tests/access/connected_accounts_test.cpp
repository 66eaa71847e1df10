#include "access/connected_accounts.h"

#include <barrier>
#include <thread>

#include "access/organizations.h"
#include "access/world.h"
#include "support/database.h"

namespace payoutd::access {
namespace {

class ConnectedAccounts : public support::DatabaseTest {
 protected:
  ConnectedAccounts()
      : org(ensure_platform_organization(db(), "platform")->id),
        other(ensure_organization(db(), "other")->id) {}

  static NewAccount account(const std::string& id, std::int64_t second = 100) {
    NewAccount made;
    made.fields.stripe_account = id;
    made.fields.name = id + "'s name";
    made.version = {from_unix(second)};
    made.joined_at = from_unix(second);
    return made;
  }
  Result<ConnectedAccount> connect(OrgId of, const NewAccount& account) {
    return db().transact([&](pg::Tx& tx) { return connect_account(tx, of, account); });
  }
  bool deauthorize(OrgId of, const std::string& id, std::int64_t second) {
    return *db().transact([&](pg::Tx& tx) -> Result<bool> {
      return deauthorize_account(tx, of, id, from_unix(second));
    });
  }
  bool show(OrgId of, const AccountFields& fields, AccountVersion version) {
    return *db().transact(
        [&](pg::Tx& tx) -> Result<bool> { return show_account(tx, of, fields, version); });
  }
  std::optional<ConnectedAccount> find(const std::string& id) {
    return *db().transact([&](pg::Tx& tx) -> Result<std::optional<ConnectedAccount>> {
      return find_account(tx, id);
    });
  }
  std::vector<std::string> ids_of(OrgId of) {
    std::vector<std::string> ids;
    const auto read = db().read([&](pg::Tx& tx) -> Result<void> {
      for (const ConnectedAccount& one : accounts_of(tx, of)) ids.push_back(one.id());
      return {};
    });
    EXPECT_TRUE(read);
    return ids;
  }

  OrgId org;
  OrgId other;
};

TEST_F(ConnectedAccounts, TheFirstIsTheDefault) {
  EXPECT_TRUE(connect(org, account("acct_2", 200))->is_default);
  EXPECT_FALSE(connect(org, account("acct_1", 100))->is_default);
  EXPECT_EQ(ids_of(org), (std::vector<std::string>{"acct_2", "acct_1"}));
  EXPECT_EQ(pick_account(db(), org, std::nullopt)->id(), "acct_2");
  EXPECT_EQ(pick_account(db(), org, "acct_1")->id(), "acct_1");
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) { return make_default(tx, org, "acct_1"); }));
  EXPECT_EQ(ids_of(org), (std::vector<std::string>{"acct_1", "acct_2"}));
}

TEST_F(ConnectedAccounts, AnotherOrganizationsAccountDoesNotExist) {
  ASSERT_TRUE(connect(org, account("acct_1")));
  const auto theirs = pick_account(db(), other, "acct_1");
  EXPECT_EQ(theirs.error().kind, Kind::missing);
  EXPECT_EQ(theirs.error().code, "account_not_found");
  EXPECT_EQ(theirs.error().message, pick_account(db(), other, "acct_9").error().message);
  EXPECT_EQ(pick_account(db(), other, "x' OR true").error().code, "account_not_found");
  EXPECT_EQ(pick_account(db(), other, std::nullopt).error().code, "account_not_found");
  EXPECT_EQ(connect(other, account("acct_1")).error().code, "account_taken");
  EXPECT_FALSE(deauthorize(other, "acct_1", 500));
  EXPECT_FALSE(show(other, account("acct_1").fields, {from_unix(500)}));
  EXPECT_EQ(find("acct_1")->organization, org);
  EXPECT_TRUE(find("acct_1")->active);
}

TEST_F(ConnectedAccounts, ThePlatformsOwnIsCalledWithoutAHeader) {
  NewAccount own = account("acct_own");
  own.is_platform = true;
  own.livemode = true;
  EXPECT_EQ(connect(org, own)->stripe_header(), "");
  EXPECT_TRUE(find("acct_own")->livemode);
  EXPECT_EQ(connect(org, account("acct_1"))->stripe_header(), "acct_1");
  NewAccount second = account("acct_2");
  second.is_platform = true;
  EXPECT_EQ(connect(other, second).error().code, "platform_account_taken");
}

TEST_F(ConnectedAccounts, AnOlderVersionChangesNothing) {
  ASSERT_TRUE(connect(org, account("acct_1", 100)));
  AccountFields fields = account("acct_1").fields;
  fields.payouts_enabled = true;
  EXPECT_TRUE(show(org, fields, {from_unix(200), 1}));
  EXPECT_TRUE(find("acct_1")->fields.payouts_enabled);
  fields.payouts_enabled = false;
  EXPECT_TRUE(show(org, fields, {from_unix(200), 0}));
  EXPECT_TRUE(show(org, fields, {from_unix(199), 9}));
  EXPECT_TRUE(find("acct_1")->fields.payouts_enabled);
  EXPECT_FALSE(show(org, account("acct_9").fields, {from_unix(200)}));
}

TEST_F(ConnectedAccounts, TheDefaultStaysWithADeauthorizedOne) {
  ASSERT_TRUE(connect(org, account("acct_1", 100)));
  ASSERT_TRUE(connect(org, account("acct_2", 200)));
  EXPECT_TRUE(deauthorize(org, "acct_1", 300));
  EXPECT_EQ(pick_account(db(), org, std::nullopt)->id(), "acct_1") << "its records can be read";
  EXPECT_FALSE(find("acct_1")->active);
  EXPECT_EQ(find("acct_1")->deauthorized_at, from_unix(300));
  EXPECT_FALSE(connect(org, account("acct_3", 400))->is_default);
  EXPECT_TRUE(connect(org, account("acct_1", 500))->is_default) << "it came back";
}

TEST_F(ConnectedAccounts, NoOtherIsPaidFromInPlaceOfADefaultThatIsNotActive) {
  ASSERT_TRUE(connect(org, account("acct_1", 100)));
  ASSERT_TRUE(connect(org, account("acct_2", 200)));
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt)->id(), "acct_1");
  EXPECT_TRUE(deauthorize(org, "acct_1", 300));
  const auto refused = pick_account_to_pay_from(db(), org, std::nullopt);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "default_account_inactive");
  EXPECT_EQ(refused.error().kind, Kind::refused);
  EXPECT_TRUE(refused.error().message.contains("acct_1")) << refused.error().message;
  EXPECT_EQ(pick_account_to_pay_from(db(), org, "acct_1").error().code, "account_deauthorized");
  EXPECT_EQ(pick_account_to_pay_from(db(), org, "acct_2")->id(), "acct_2");
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) { return make_default(tx, org, "acct_2"); }));
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt)->id(), "acct_2");
  const auto gone = db().transact([&](pg::Tx& tx) { return make_default(tx, org, "acct_1"); });
  EXPECT_EQ(gone.error().code, "account_deauthorized");
}

// A database of an earlier version, in which the default went with the authorization.
TEST_F(ConnectedAccounts, ADefaultThatWasLostIsChosenByAPerson) {
  ASSERT_TRUE(connect(org, account("acct_1", 100)));
  ASSERT_TRUE(connect(org, account("acct_2", 200)));
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("UPDATE connected_accounts SET is_default = false");
    return {};
  }));
  EXPECT_FALSE(connect(org, account("acct_1", 300))->is_default);
  EXPECT_FALSE(connect(org, account("acct_3", 300))->is_default);
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt).error().code, "account_not_found");
  ASSERT_TRUE(db().transact([&](pg::Tx& tx) { return make_default(tx, org, "acct_2"); }));
  EXPECT_EQ(pick_account_to_pay_from(db(), org, std::nullopt)->id(), "acct_2");
}

TEST_F(ConnectedAccounts, TheLatestWordOnAuthorizationCounts) {
  ASSERT_TRUE(connect(org, account("acct_1", 100)));
  EXPECT_TRUE(deauthorize(org, "acct_1", 300));
  EXPECT_FALSE(connect(org, account("acct_1", 200))->active) << "said before it left";
  EXPECT_TRUE(connect(org, account("acct_1", 400))->active);
  EXPECT_TRUE(deauthorize(org, "acct_1", 350));
  EXPECT_TRUE(find("acct_1")->active) << "said before it came back";
  EXPECT_TRUE(find("acct_1")->is_default);
}

TEST_F(ConnectedAccounts, ManyAtOnceGiveOneDefault) {
  std::barrier start(6);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      EXPECT_TRUE(connect(org, account("acct_" + std::to_string(i))));
    });
  }
  threads.clear();
  EXPECT_EQ(ids_of(org).size(), 6u);
  EXPECT_TRUE(pick_account(db(), org, std::nullopt)->is_default);
}

TEST_F(ConnectedAccounts, ActiveOnesOfAllOrganizationsComeInPages) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(connect(i % 2 == 0 ? org : other, account("acct_" + std::to_string(i))));
  }
  ASSERT_TRUE(deauthorize(org, "acct_2", 500));
  std::vector<std::string> seen;
  const auto walked = db().read([&](pg::Tx& tx) -> Result<void> {
    for (auto page = active_accounts(tx, "", 2); !page.empty();
         page = active_accounts(tx, seen.back(), 2)) {
      for (const ConnectedAccount& one : page) seen.push_back(one.id());
    }
    return {};
  });
  ASSERT_TRUE(walked);
  EXPECT_EQ(seen, (std::vector<std::string>{"acct_0", "acct_1", "acct_3", "acct_4"}));
}

TEST(AccountFields, AreReadFromStripesObject) {
  const auto fields = account_fields(Json::parse(R"({
    "id": "acct_1", "object": "account", "country": "DE", "default_currency": "EUR",
    "charges_enabled": true, "payouts_enabled": false, "details_submitted": true,
    "requirements": {"past_due": ["external_account"]},
    "business_profile": {"name": "Shop"}, "settings": {"dashboard": {"display_name": null}}})"));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->stripe_account, "acct_1");
  EXPECT_EQ(fields->name, "Shop");
  EXPECT_EQ(fields->default_currency->str(), "eur");
  EXPECT_EQ(fields->country, "DE");
  EXPECT_TRUE(fields->charges_enabled);
  EXPECT_FALSE(fields->payouts_enabled);
  EXPECT_EQ(fields->requirements.at("past_due").at(0), "external_account");
}

TEST(AccountFields, OfOddObjectsAreRefusedOrEmpty) {
  for (const char* bad : {"[]", "{}", R"({"id": 7})", R"({"id": "cus_1"})", R"({"id": "acct_"})"}) {
    EXPECT_EQ(account_fields(Json::parse(bad)).error().code, "account_invalid") << bad;
  }
  const auto bare = account_fields(
      Json::parse(R"({"id": "acct_1", "country": 3, "settings": [], "charges_enabled": "yes"})"));
  ASSERT_TRUE(bare);
  for (const char* odd : {R"({"id": "acct_1", "default_currency": "zz1"})",
                          R"({"id": "acct_1", "requirements": {"x": "\u0000"}})"}) {
    EXPECT_TRUE(account_fields(Json::parse(odd)).ok()) << odd;
  }
  EXPECT_EQ(bare->name, "");
  EXPECT_FALSE(bare->charges_enabled);
}

}  // namespace
}  // namespace payoutd::access
