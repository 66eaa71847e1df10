#include "access/authentication.h"

#include "access/key_text.h"
#include "access/world.h"
#include "base/clock.h"

namespace payoutd::access {
namespace {

using AuthenticationTest = AccessTest;

std::string path_of(Right right) { return "/api/may/" + std::string(name_of(right)); }

TEST_F(AuthenticationTest, EachRoleMayDoItsWorkAndNoMore) {
  serve();
  for (const Role role : kRoles) {
    for (const Right right : kRights) {
      const Answer answer = get(path_of(right), key(role));
      if (allows(role, right)) {
        EXPECT_EQ(answer.status, 200) << name_of(role) << " " << name_of(right);
        EXPECT_EQ(answer.json().at("organization"), org.str());
      } else {
        EXPECT_EQ(answer.status, 403) << name_of(role) << " " << name_of(right);
        EXPECT_EQ(answer.code(), right == Right::system ? "not_system" : "role_not_allowed");
        EXPECT_TRUE(answer.body.contains(roles_with(right))) << "names the role that is needed";
      }
    }
  }
}

TEST_F(AuthenticationTest, WithoutAGoodKeyItIs401) {
  serve();
  const std::string path = path_of(Right::read);
  const std::string good = key(Role::viewer).reveal();
  struct Case {
    Headers headers;
    const char* code;
  };
  const Case cases[] = {
      {{}, "api_key_missing"},
      {{{"Authorization", good}}, "api_key_missing"},
      {{{"Authorization", "Basic " + good}}, "api_key_missing"},
      {{{"Authorization", "Bearer "}}, "api_key_missing"},
      {{{"Authorization", "Bearer " + good + "x"}}, "api_key_invalid"},
      {{{"Authorization", "Bearer " + make_key_text().reveal()}}, "api_key_invalid"},
  };
  for (const Case& one : cases) {
    const Answer answer = call(server->port(), "GET", path, one.headers);
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.code(), one.code);
    EXPECT_TRUE(answer.header("www-authenticate").starts_with("Bearer"));
    EXPECT_FALSE(answer.body.contains(good));
  }
  EXPECT_EQ(call(server->port(), "GET", path, {{"authorization", "bearer  " + good}}).status, 200);
}

TEST_F(AuthenticationTest, TwoAuthorizationHeadersAreNeverTaken) {
  serve();
  const std::string bearer = "Bearer " + key(Role::viewer).reveal();
  const Answer answer = call(server->port(), "GET", path_of(Right::read),
                             {{"Authorization", bearer}, {"Authorization", bearer}});
  EXPECT_GE(answer.status, 400);
  EXPECT_LT(answer.status, 402);
}

TEST_F(AuthenticationTest, RevokedAndExpiredKeysAre401) {
  serve();
  ASSERT_EQ(get(path_of(Right::read), key(Role::viewer)).status, 200);
  ASSERT_TRUE(keys.revoke(org, made.at(Role::viewer).key.id, "test"));
  EXPECT_EQ(get(path_of(Right::read), key(Role::viewer)).code(), "api_key_revoked");

  const CreatedKey brief =
      make_key(org, Role::viewer, SystemClock{}.now() + std::chrono::seconds(1));
  EXPECT_TRUE(eventually([&] { return get(path_of(Right::read), brief.text).status == 401; }));
  EXPECT_EQ(get(path_of(Right::read), brief.text).code(), "api_key_expired");
}

TEST_F(AuthenticationTest, TheActorIsTheKeyOrWhomASystemKeyNames) {
  serve();
  const auto actor = [&](Role role, Headers headers) {
    return get(path_of(Right::read), key(role), std::move(headers)).json().value("actor", "");
  };
  EXPECT_EQ(actor(Role::viewer, {}), "key:" + made.at(Role::viewer).key.id.str());
  EXPECT_EQ(actor(Role::system, {}), "key:" + made.at(Role::system).key.id.str());
  EXPECT_EQ(actor(Role::system, {{"X-Payoutd-Actor", "jane@example.com"}}),
            "user:jane@example.com");
  EXPECT_EQ(get(path_of(Right::read), key(Role::admin), {{"X-Payoutd-Actor", "jane"}}).code(),
            "actor_not_allowed");
  EXPECT_EQ(get(path_of(Right::read), key(Role::system), {{"X-Payoutd-Actor", "a b"}}).code(),
            "actor_invalid");
}

// The worst moment: the key is good, and nobody can look it up.
TEST_F(AuthenticationTest, WithoutTheDatabaseItIs503AndThenWorksAgain) {
  serve();
  support::server().stop();
  const Answer away = get(path_of(Right::read), key(Role::viewer));
  EXPECT_EQ(away.status, 503);
  EXPECT_EQ(away.code(), "database_unavailable");
  EXPECT_NE(away.header("retry-after"), "");
  ASSERT_TRUE(support::server().restart());
  const auto works = [&] { return get(path_of(Right::read), key(Role::viewer)).status == 200; };
  EXPECT_TRUE(eventually(works));
}

}  // namespace
}  // namespace payoutd::access
