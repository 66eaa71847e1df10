#include "access/keys_api.h"

#include "access/key_text.h"
#include "access/world.h"
#include "base/log.h"

namespace payoutd::access {
namespace {

using KeysApi = AccessTest;

TEST_F(KeysApi, AnAdminMakesAKeyThatWorks) {
  serve();
  const Answer made_key =
      post("/api/keys", key(Role::admin), R"({"name": "night shift", "role": "operator"})");
  ASSERT_EQ(made_key.status, 201) << made_key.body;
  const Json body = made_key.json();
  EXPECT_EQ(body.at("role"), "operator");
  EXPECT_EQ(body.at("created_by"), "key:" + made.at(Role::admin).key.id.str());
  EXPECT_EQ(made_key.header("location"), "/api/keys/" + body.at("id").get<std::string>());
  const Secret text{body.at("key").get<std::string>()};
  EXPECT_TRUE(text.reveal().starts_with(body.at("prefix").get<std::string>()));
  EXPECT_EQ(get("/api/may/write", text).status, 200);
  EXPECT_EQ(get("/api/keys", text).status, 403);
}

TEST_F(KeysApi, OthersMayNot) {
  serve();
  for (const Role role : {Role::viewer, Role::operator_, Role::approver, Role::system}) {
    EXPECT_EQ(post("/api/keys", key(role), R"({"name": "x", "role": "admin"})").status, 403);
    EXPECT_EQ(get("/api/keys", key(role)).status, 403);
    EXPECT_EQ(send("DELETE", "/api/keys/" + made.at(role).key.id.str(), key(role)).status, 403);
  }
}

TEST_F(KeysApi, SaysAllThatIsWrongAtOnce) {
  serve();
  const Answer answer = post("/api/keys", key(Role::admin),
                             R"({"role": "king", "expires_at": "soon", "color": "red"})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.json().at("error").at("details").size(), 4u) << answer.body;
  EXPECT_EQ(post("/api/keys", key(Role::admin), "[]").status, 400);
  EXPECT_EQ(post("/api/keys", key(Role::admin), "{").code(), "invalid_json");
  const Answer nul =
      post("/api/keys", key(Role::admin), R"({"name": "a\u0000b", "role": "viewer"})");
  EXPECT_EQ(nul.code(), "key_name_invalid");
  EXPECT_EQ(get("/api/keys?limit=0", key(Role::admin)).code(), "parameter_invalid");
}

TEST_F(KeysApi, ListsWithoutTheTexts) {
  serve();
  const Answer answer = get("/api/keys?limit=2&include=total", key(Role::admin));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().at("data").size(), 2u);
  EXPECT_EQ(answer.json().at("total"), 5);
  EXPECT_TRUE(answer.json().at("has_more"));
  const std::string cursor = answer.json().at("next_cursor");
  EXPECT_EQ(get("/api/keys?cursor=" + cursor, key(Role::admin)).json().at("data").size(), 3u);
  const Answer one = get("/keys/" + made.at(Role::viewer).key.id.str(), key(Role::admin));
  EXPECT_EQ(one.json().at("name"), "viewer") << "also without /api";
  for (const auto& [role, created] : made) {
    EXPECT_FALSE(get("/api/keys", key(Role::admin)).body.contains(created.text.reveal()));
  }
}

TEST_F(KeysApi, AnotherOrganizationsKeyDoesNotExist) {
  serve();
  const std::string mine = "/api/keys/" + made.at(Role::viewer).key.id.str();
  const std::string nobodys = "/api/keys/" + ApiKeyId::make().str();
  for (const char* method : {"GET", "DELETE"}) {
    const Answer theirs = send(method, mine, other_admin);
    EXPECT_EQ(theirs.status, 404);
    EXPECT_EQ(theirs.code(), send(method, nobodys, other_admin).code());
    EXPECT_EQ(send(method, "/api/keys/7", other_admin).status, 404);
  }
  EXPECT_EQ(get("/api/keys", other_admin).json().at("data").size(), 1u);
  EXPECT_EQ(get("/api/may/read", key(Role::viewer)).status, 200);
}

TEST_F(KeysApi, RevokesAtOnceButNotTheLastAdmin) {
  serve();
  ASSERT_EQ(get("/api/may/read", key(Role::viewer)).status, 200);
  const Answer revoked =
      send("DELETE", "/api/keys/" + made.at(Role::viewer).key.id.str(), key(Role::admin));
  ASSERT_EQ(revoked.status, 200);
  EXPECT_TRUE(revoked.json().at("revoked_at").is_string());
  EXPECT_EQ(get("/api/may/read", key(Role::viewer)).status, 401);
  const Answer last =
      send("DELETE", "/api/keys/" + made.at(Role::admin).key.id.str(), key(Role::admin));
  EXPECT_EQ(last.status, 409);
  EXPECT_EQ(last.code(), "last_admin_key");
}

TEST_F(KeysApi, AReplayDoesNotShowTheKeyAgain) {
  serve();
  const Headers once = {{"Idempotency-Key", "make-one"}};
  const std::string body = R"({"name": "ci", "role": "viewer"})";
  const Answer first = post("/api/keys", key(Role::admin), body, once);
  ASSERT_EQ(first.status, 201);
  const Answer second = post("/api/keys", key(Role::admin), body, once);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(second.json().at("id"), first.json().at("id"));
  EXPECT_TRUE(second.json().at("key").is_null());
}

// Whatever is stored of a key, it is not its text: all columns of all tables are searched.
TEST_F(KeysApi, TheTextIsInNoTableAndNoLog) {
  serve();
  testing::internal::CaptureStderr();
  ASSERT_TRUE(log::configure("debug,text"));
  const Answer made_key = post("/api/keys", key(Role::admin), R"({"name": "ci", "role": "viewer"})",
                               {{"Idempotency-Key", "make-one"}});
  const Secret text{made_key.json().at("key").get<std::string>()};
  get("/api/may/admin", text);
  get("/api/may/read", text);
  get("/api/may/read", Secret(text.reveal() + "x"));
  log::info("a key in a field", {{"key", text.reveal()}});
  ASSERT_TRUE(log::configure("info,text"));
  const std::string logged = testing::internal::GetCapturedStderr();
  const std::string secret_part = text.reveal().substr(kKeyPrefix.size());
  EXPECT_TRUE(logged.contains("a key in a field"));
  EXPECT_FALSE(logged.contains(secret_part));

  sql(R"(CREATE FUNCTION rows_with(wanted text) RETURNS bigint LANGUAGE plpgsql AS $$
         DECLARE name text; hits bigint; total bigint := 0;
         BEGIN
           FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
             EXECUTE format('SELECT count(*) FROM %I t WHERE position($1 IN t::text) > 0', name)
               INTO hits USING wanted;
             total := total + hits;
           END LOOP;
           RETURN total;
         END $$)");
  EXPECT_NE(sql("SELECT rows_with('pk_payoutd_')"), "0") << "the search finds what is there";
  EXPECT_EQ(sql("SELECT rows_with('" + secret_part + "')"), "0");
  EXPECT_EQ(sql("SELECT rows_with(encode('" + secret_part + "', 'hex'))"), "0");
}

TEST(KeysDocs, AreWholeOpenApiObjects) {
  pg::Database nowhere({.url = Secret("postgresql://localhost:1/none")});
  Keys keys(nowhere);
  for (const http::Route& route : keys_routes(keys)) {
    EXPECT_EQ(route.access, "admin");
    const Json& responses = route.docs.responses;
    const std::string ok = route.method == "POST" ? "201" : "200";
    const Json& content = responses.at(ok).at("content").at("application/json");
    EXPECT_EQ(content.at("schema").at("type"), "object") << route.method;
    EXPECT_TRUE(content.at("example").is_object());
    for (const auto& [field, value] : content.at("example").items()) {
      EXPECT_TRUE(content.at("schema").at("properties").contains(field)) << field;
    }
  }
  EXPECT_EQ(http::page_parameters().size(), 6u);  // the cursor under both its names
  EXPECT_EQ(http::page_parameters().at(5).at("schema").at("enum").at(0), "total");
}

}  // namespace
}  // namespace payoutd::access
