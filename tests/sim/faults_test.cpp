#include "stripe/sim/wire/faults.h"

#include <gtest/gtest.h>

namespace payoutd::sim {
namespace {

void add_fault(Faults& faults, const char* json) {
  const auto added = faults.add(Json::parse(json));
  ASSERT_TRUE(added) << added.error().message;
}

std::string refused_fault(const char* json) {
  Faults faults;
  const auto added = faults.add(Json::parse(json));
  EXPECT_FALSE(added) << json;
  EXPECT_EQ(faults.list().size(), 0u);
  return added ? "" : added.error().param;
}

std::string header(const http::Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Faults, AreUsedUpOneByOne) {
  Faults faults;
  add_fault(faults, R"([{"method":"POST","path":"/v1/payouts","do":"reset_after","count":2},
                  {"method":"POST","path":"/v1/*","do":"latency","ms":5}])");
  EXPECT_FALSE(faults.match("GET", "/v1/payouts"));
  EXPECT_EQ(faults.match("POST", "/v1/payouts")->what, Fault::Do::reset_after);
  EXPECT_EQ(faults.match("POST", "/v1/payouts")->what, Fault::Do::reset_after);
  const auto third = faults.match("POST", "/v1/payouts");
  EXPECT_EQ(third->what, Fault::Do::latency);
  EXPECT_EQ(third->ms, 5);
  EXPECT_FALSE(faults.match("POST", "/v1/payouts"));
}

TEST(Faults, CountZeroLastsUntilCleared) {
  Faults faults;
  add_fault(faults, R"({"do":"status","status":503,"count":0})");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(faults.match("GET", "/v1/x")->status, 503);
  faults.clear();
  EXPECT_FALSE(faults.match("GET", "/v1/x"));
}

TEST(Faults, EveryNthMatchIsHit) {
  Faults faults;
  add_fault(faults, R"({"do":"reset_before","every":3,"count":2})");
  std::string hits;
  for (int i = 0; i < 9; ++i) hits += faults.match("GET", "/") ? 'x' : '.';
  EXPECT_EQ(hits, "..x..x...");
}

TEST(Faults, PathsAreGlobs) {
  const auto fits = [](const char* pattern, const char* path) {
    Faults faults;
    EXPECT_TRUE(faults.add(Json{{"do", "latency"}, {"path", pattern}}));
    return faults.match("GET", path).has_value();
  };
  EXPECT_TRUE(fits("/v1/payouts/*", "/v1/payouts/po_1/cancel"));
  EXPECT_TRUE(fits("/v1/payouts/*/cancel", "/v1/payouts/po_1/cancel"));
  EXPECT_FALSE(fits("/v1/payouts/*/cancel", "/v1/payouts/po_1"));
  EXPECT_FALSE(fits("/v1/payouts", "/v1/payouts/po_1"));
  EXPECT_TRUE(fits("*payouts*", "/v1/payouts"));
  EXPECT_TRUE(fits("*a*b", "aaaabab"));
  EXPECT_FALSE(fits("", "/"));
}

TEST(Faults, RequestsDeliveriesAndEventsAreKeptApart) {
  Faults faults;
  add_fault(
      faults,
      R"([{"do":"drop","type":"payout.*"},{"do":"twin","type":"payout.paid"},{"do":"status"}])");
  EXPECT_EQ(faults.match("POST", "/v1/x")->what, Fault::Do::status);
  EXPECT_FALSE(faults.match("POST", "/v1/x"));
  EXPECT_FALSE(faults.match_delivery("charge.succeeded", "/hook"));
  EXPECT_EQ(faults.match_delivery("payout.paid", "/hook")->what, Fault::Do::drop);
  EXPECT_FALSE(faults.match_twin("payout.failed"));
  EXPECT_TRUE(faults.match_twin("payout.paid"));
  EXPECT_FALSE(faults.match_twin("payout.paid"));
}

TEST(Faults, WhatIsWrongIsNamedAndNothingIsAdded) {
  EXPECT_EQ(refused_fault(R"([{"do":"explode"}])"), "do");
  EXPECT_EQ(refused_fault(R"([{"method":"POST"}])"), "do");
  EXPECT_EQ(refused_fault(R"([{"do":"latency"},{"do":"latency","ms":-1}])"), "ms");
  EXPECT_EQ(refused_fault(R"([{"do":"latency","ms":1.5}])"), "ms");
  EXPECT_EQ(refused_fault(R"([{"do":"latency","ms":18446744073709551615}])"), "ms");
  EXPECT_EQ(refused_fault(R"([{"do":"status","status":99}])"), "status");
  EXPECT_EQ(refused_fault(R"([{"do":"status","count":"2"}])"), "count");
  EXPECT_EQ(refused_fault(R"([{"do":"status","every":0}])"), "every");
  EXPECT_EQ(refused_fault(R"([{"do":"status","should_retry":"yes"}])"), "should_retry");
  EXPECT_EQ(refused_fault(R"([{"do":"status","stats":500}])"), "stats");
  EXPECT_EQ(refused_fault(R"(["latency"])"), "faults");
  EXPECT_EQ(refused_fault(R"("latency")"), "faults");
}

TEST(Faults, AreBounded) {
  Faults faults;
  Json many = Json::array();
  for (int i = 0; i < 1'000; ++i) many.push_back({{"do", "latency"}});
  EXPECT_TRUE(faults.add(many));
  EXPECT_FALSE(faults.add(Json{{"do", "latency"}}));
}

TEST(Faults, AListShowsWhatRemains) {
  Faults faults;
  add_fault(faults,
            R"([{"do":"status_after","status":500,"count":3,"method":"post","code":null}])");
  (void)faults.match("POST", "/v1/payouts");
  EXPECT_EQ(faults.list(), OrderedJson::parse(R"([{"do":"status_after","method":"POST","path":"*",
      "status":500,"stored":true,"count":2}])"));
}

TEST(Faults, OnlyStripesOwn500IsKeptUnderTheKeyByDefault) {
  const auto stored = [](const char* json) {
    Faults faults;
    add_fault(faults, json);
    return faults.match("POST", "/")->stored;
  };
  EXPECT_TRUE(stored(R"({"do":"status_after","status":500})"));
  EXPECT_FALSE(stored(R"({"do":"status_after","status":502})"));
  EXPECT_FALSE(stored(R"({"do":"status_after","status":500,"body":"<html>"})"));
  EXPECT_TRUE(stored(R"({"do":"status_after","status":502,"stored":true})"));
  EXPECT_FALSE(stored(R"({"do":"status_after","status":500,"stored":false})"));
  EXPECT_FALSE(stored(R"({"do":"status","status":500})"));
}

TEST(Faults, ALimiters429NamesItsReason) {
  const auto reply = fault_reply(
      {.what = Fault::Do::status, .status = 429, .reason = "endpoint-rate", .retry_after = 3});
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(header(reply, "Stripe-Rate-Limited-Reason"), "endpoint-rate");
  EXPECT_EQ(header(reply, "Retry-After"), "3");
  EXPECT_EQ(header(reply, "Stripe-Should-Retry"), "");
}

TEST(Faults, ALockTimeoutIsRetryableAndNamesNoLimiter) {
  const auto reply = fault_reply(
      {.what = Fault::Do::status, .status = 429, .code = "lock_timeout", .should_retry = true});
  const Json error = Json::parse(reply.body)["error"];
  EXPECT_EQ(error["code"], "lock_timeout");
  EXPECT_EQ(error["type"], "invalid_request_error");
  EXPECT_TRUE(error["message"].get<std::string>().starts_with("This object cannot be accessed"));
  EXPECT_EQ(header(reply, "Stripe-Should-Retry"), "true");
  EXPECT_EQ(header(reply, "Stripe-Rate-Limited-Reason"), "");
}

TEST(Faults, AServerErrorIsStripes) {
  const Json error =
      Json::parse(fault_reply({.what = Fault::Do::status, .status = 500}).body)["error"];
  EXPECT_EQ(error["type"], "api_error");
  EXPECT_FALSE(error["message"].get<std::string>().empty());
}

}  // namespace
}  // namespace payoutd::sim
