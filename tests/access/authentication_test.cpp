#include "access/authentication.h"

#include <fmt/format.h>

#include <exception>
#include <map>
#include <thread>

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

// What the database can't do now is told apart, in words that name none of its insides.
TEST_F(AuthenticationTest, WhatTheDatabaseCantDoIsNamed) {
  const auto raise = [this](const char* sqlstate) {
    return [this, sqlstate](http::Context&) -> http::Reply {
      (void)db().transact([&](pg::Tx& tx) -> Result<void> {
        tx.exec_unnamed(
            fmt::format("DO $$ BEGIN RAISE EXCEPTION 'inside' USING ERRCODE = '{}';"
                        " END $$",
                        sqlstate));
        return {};
      });
      return {};
    };
  };
  const std::map<const char*, const char*> named{
      {"55P03", "database_busy"},        {"57014", "database_busy"},
      {"25006", "database_read_only"},   {"53100", "database_full"},
      {"53200", "database_exhausted"},   {"58030", "database_failing"},
      {"57P01", "database_unavailable"}, {"42501", "database_privilege_missing"}};
  std::vector<http::Route> routes;
  for (const auto& [sqlstate, code] : named) {
    for (const char* method : {"GET", "POST"}) {
      http::Route route{method, std::string("/api/raise/") + sqlstate, "", raise(sqlstate)};
      routes.push_back(std::move(route));
    }
  }
  serve(std::move(routes));
  for (const auto& [sqlstate, code] : named) {
    const std::string path = std::string("/api/raise/") + sqlstate;
    const Answer read = get(path, key(Role::admin));
    EXPECT_EQ(read.status, 503);
    EXPECT_EQ(read.code(), code) << sqlstate;
    EXPECT_EQ(read.header("retry-after"), "1");
    EXPECT_EQ(read.body.find("inside"), std::string::npos) << read.body;
    EXPECT_EQ(read.body.find("Idempotency-Key"), std::string::npos) << read.body;
    const Answer bare = post(path, key(Role::admin), "{}");
    EXPECT_EQ(bare.body.find("Idempotency-Key"), std::string::npos) << bare.body;
    const Answer keyed = post(path, key(Role::admin), "{}", {{"Idempotency-Key", sqlstate}});
    EXPECT_EQ(keyed.code(), code) << keyed.body;
    EXPECT_NE(keyed.body.find("Idempotency-Key"), std::string::npos) << keyed.body;
  }
}

TEST_F(AuthenticationTest, ATableThatIsLockedIsNoDatabaseThatCantBeReached) {
  pg::Database impatient(
      {.url = url(), .max_connections = 1, .wait_ms = 50, .lock_timeout_ms = 50});
  http::Route route{"GET", "/api/locked", "", [&](http::Context&) -> http::Reply {
                      (void)impatient.transact([](pg::Tx& tx) -> Result<void> {
                        tx.exec_unnamed("LOCK TABLE api_keys");
                        return {};
                      });
                      return {};
                    }};
  http::Route crowded{"GET", "/api/crowded", "", [&](http::Context&) -> http::Reply {
                        (void)impatient.transact([&](pg::Tx&) -> Result<void> {
                          std::exception_ptr wrong;
                          std::thread([&] {
                            try {
                              (void)impatient.transact([](pg::Tx&) -> Result<void> { return {}; });
                            } catch (...) {
                              wrong = std::current_exception();
                            }
                          }).join();
                          std::rethrow_exception(wrong);
                        });
                        return {};
                      }};
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  routes.push_back(std::move(crowded));
  serve(std::move(routes));
  ASSERT_EQ(get("/api/may/read", key(Role::viewer)).status, 200);  // and is known from now on
  (void)db().transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE");
    EXPECT_EQ(get("/api/locked", key(Role::viewer)).code(), "database_busy");
    return {};
  });
  EXPECT_EQ(get("/api/crowded", key(Role::viewer)).code(), "database_connections_used_up");
}

}  // namespace
}  // namespace payoutd::access
