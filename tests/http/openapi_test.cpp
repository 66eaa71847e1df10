#include "http/openapi.h"

#include <gtest/gtest.h>

#include "http/metrics.h"
#include "http/schema.h"
#include "http/server.h"

namespace payoutd::http {
namespace {

Route route(std::string method, std::string pattern, std::string access) {
  return {std::move(method), std::move(pattern), std::move(access),
          [](Context&) { return Reply::text(200, "x"); }};
}

std::vector<Route> rows() {
  std::vector<Route> rows{route("GET", "/api/payouts/:id/timeline", "read"),
                          route("POST", "/api/payouts", "write"),
                          route("GET", "/api/payouts", "read"), route("GET", "/", "")};
  rows[1].docs.summary = "Create a payout";
  rows[1].docs.tag = "payouts";
  rows[1].docs.request_body = Json::parse(R"({"required": true, "content": {}})");
  rows[1].docs.responses = Json::parse(R"({"201": {"description": "Created."}})");
  return rows;
}

TEST(OpenApi, HasEveryRouteOnce) {
  const OrderedJson document = openapi(rows(), {"payoutd", "1.2.3", ""});
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["paths"].size(), 3u);
  const auto& create = document["paths"]["/api/payouts"]["post"];
  EXPECT_EQ(create["operationId"], "post_payouts");
  EXPECT_EQ(create["x-access"], "write");
  EXPECT_EQ(create["security"].dump(), R"([{"key":[]}])");
  EXPECT_TRUE(create["responses"].contains("201"));
  EXPECT_TRUE(create["responses"].contains("401"));
  EXPECT_FALSE(create["responses"].contains("200"));
  EXPECT_EQ(create["tags"].dump(), R"(["payouts"])");
  EXPECT_EQ(document["paths"]["/"]["get"]["security"].dump(), "[]");
}

TEST(OpenApi, DescribesPathParameters) {
  const OrderedJson document = openapi(rows(), {});
  const auto& timeline = document["paths"]["/api/payouts/{id}/timeline"]["get"];
  EXPECT_EQ(timeline["operationId"], "get_payouts_id_timeline");
  EXPECT_EQ(timeline["parameters"][0]["name"], "id");
  EXPECT_EQ(timeline["parameters"][0]["in"], "path");
  EXPECT_EQ(timeline["parameters"][0]["required"], true);
  EXPECT_TRUE(timeline["responses"].contains("404"));
}

TEST(OpenApi, SaysWhatEveryRouteOfItsKindAnswers) {
  auto some = rows();
  some[2].docs.parameters = Json::array({schema::account_query()});
  const OrderedJson document = openapi(some, {});
  const auto statuses = [&](const char* path, const char* method) {
    std::string all;
    for (const auto& [status, unused] : document["paths"][path][method]["responses"].items())
      all += status + " ";
    return all;
  };
  EXPECT_EQ(statuses("/api/payouts", "post"), "201 400 401 403 409 413 422 500 503 ");
  EXPECT_EQ(statuses("/api/payouts", "get"), "200 400 401 403 404 500 503 ");
  EXPECT_EQ(statuses("/", "get"), "200 400 500 503 ");
}

TEST(OpenApi, AnObjectsFieldsAreRequiredUnlessTheyAreOptional) {
  const Json page = schema::page(schema::object({{"id", schema::uuid("Ours.")}}));
  EXPECT_EQ(page["required"].dump(), R"(["data","has_more","next_cursor"])");
  EXPECT_EQ(page["properties"]["data"]["items"]["required"].dump(), R"(["id"])");
  EXPECT_EQ(page["properties"]["next_cursor"]["type"].dump(), R"(["string","null"])");
  EXPECT_EQ(schema::or_null(schema::word("", {"a"}))["enum"].dump(), R"(["a",null])");
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  const OrderedJson document = openapi(rows(), {});
  const OrderedJson flat = document.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (!pointer.ends_with("/$ref")) continue;
    const auto target = value.get<std::string>().substr(1);
    EXPECT_TRUE(document.contains(OrderedJson::json_pointer(target))) << target;
  }
}

TEST(Metrics, CountsByNameAndLabels) {
  Metrics metrics;
  metrics.counter("jobs_total", "Jobs", {{"kind", "a"}}).Increment();
  metrics.counter("jobs_total", "Jobs", {{"kind", "a"}}).Increment();
  metrics.counter("jobs_total", "Jobs", {{"kind", "b"}}).Increment();
  publish(Server::Counts{.open_connections = 3}, metrics);
  const std::string text = metrics.text();
  EXPECT_NE(text.find("jobs_total{kind=\"a\"} 2"), std::string::npos) << text;
  EXPECT_NE(text.find("jobs_total{kind=\"b\"} 1"), std::string::npos);
  EXPECT_NE(text.find("http_connections_open 3"), std::string::npos);
}

}  // namespace
}  // namespace payoutd::http
