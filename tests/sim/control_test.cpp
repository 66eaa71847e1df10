#include "stripe/sim/control.h"

#include <gtest/gtest.h>

namespace payoutd::sim {
namespace {

class Control : public testing::Test {
 protected:
  http::Reply call(const std::string& method, const std::string& path, std::string body = "") {
    for (const http::Route& route : routes) {
      if (route.method != method || route.pattern != "/_sim/" + path) continue;
      http::Request request;
      request.method = method;
      request.path = route.pattern;
      request.body = std::move(body);
      request.request_id = "req_1";
      http::Context context(request);
      return route.handler(context);
    }
    ADD_FAILURE() << "no such route: " << method << " " << path;
    return {};
  }

  // The field that a 400 names.
  std::string refused(const std::string& path, std::string body) {
    const auto reply = call("POST", path, std::move(body));
    EXPECT_EQ(reply.status, 400) << reply.body;
    const Json error = Json::parse(reply.body)["error"];
    EXPECT_FALSE(error["message"].get<std::string>().empty());
    return error.contains("param") && error["param"].is_string() ? error["param"] : "";
  }

  Time now = from_unix(1'700'000'000);
  Faults faults;
  Json asked;
  std::vector<http::Route> routes = control_routes({
      .advance = [this](std::chrono::seconds by) { return now += by; },
      .now = [this] { return now; },
      .payments = [] { return OrderedJson::parse(R"([{"id":"po_1","amount":100}])"); },
      .stats =
          [] {
            return OrderedJson{{"requests", 7}};
          },
      .activity = [this](const std::string& account, const Json& counts) -> Result<OrderedJson> {
        if (account != "acct_1") return Error{Kind::missing, "account_unknown", "no such account"};
        asked = counts;
        return OrderedJson{{"charges", 3}};
      },
      .faults = &faults,
  });
};

TEST_F(Control, MovesTheClock) {
  const Json moved = Json::parse(call("POST", "clock", R"({"advance": 86400})").body);
  EXPECT_EQ(moved["now"], 1'700'086'400);
  EXPECT_EQ(moved["iso"], "2023-11-15T22:13:20Z");
  EXPECT_EQ(Json::parse(call("GET", "clock").body), moved);
}

TEST_F(Control, TimeOnlyGoesForwardInWholeSeconds) {
  for (const char* body : {R"({"advance":-1})", R"({"advance":1.5})", R"({"advance":"60"})", "{}",
                           R"({"advance":999999999999})"}) {
    EXPECT_EQ(refused("clock", body), "advance") << body;
  }
  EXPECT_EQ(refused("clock", R"({"advance":1,"to":2})"), "to");
  refused("clock", "nonsense");
  refused("clock", "[]");
  EXPECT_EQ(now, from_unix(1'700'000'000));
}

TEST_F(Control, AddsShowsAndClearsFaults) {
  EXPECT_EQ(call("POST", "faults", R"([{"path":"/v1/payouts","do":"status","status":503}])").status,
            200);
  EXPECT_EQ(Json::parse(call("GET", "faults").body)["data"].size(), 1u);
  EXPECT_EQ(call("DELETE", "faults").status, 200);
  EXPECT_EQ(Json::parse(call("GET", "faults").body)["data"].size(), 0u);
  EXPECT_EQ(refused("faults", R"([{"do":"nothing"}])"), "do");
  refused("faults", "");
}

TEST_F(Control, ShowsPaymentsAndStats) {
  EXPECT_EQ(Json::parse(call("GET", "payments").body)["data"][0]["id"], "po_1");
  EXPECT_EQ(Json::parse(call("GET", "stats").body)["requests"], 7);
}

TEST_F(Control, MakesActivity) {
  EXPECT_EQ(call("POST", "activity", R"({"account":"acct_1","charges":3,"refunds":0})").status,
            200);
  EXPECT_EQ(asked, Json::parse(R"({"charges":3,"refunds":0})"));
  EXPECT_EQ(call("POST", "activity", R"({"account":"acct_2"})").status, 404);
  EXPECT_EQ(refused("activity", R"({"charges":3})"), "account");
  EXPECT_EQ(refused("activity", R"({"account":7})"), "account");
  EXPECT_EQ(refused("activity", R"({"account":"acct_1","charges":-3})"), "charges");
  EXPECT_EQ(refused("activity", R"({"account":"acct_1","charges":100000})"), "charges");
}

}  // namespace
}  // namespace payoutd::sim
