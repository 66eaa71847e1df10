#include "http/router.h"

#include <gtest/gtest.h>

#include "http/target.h"

namespace payoutd::http {
namespace {

Router router_of(std::initializer_list<std::pair<const char*, const char*>> rows) {
  Router router;
  for (const auto& [method, pattern] : rows) {
    router.add({method, pattern, "", [](Context&) { return Reply::text(200, "x"); }});
  }
  return router;
}

std::string pattern_of(const Router& router, std::string_view method, std::string_view path) {
  const auto target = parse_target(path);
  const auto match = router.match(method, target->segments);
  return match.route != nullptr ? match.route->pattern : match.allow;
}

TEST(Router, FixedSegmentsWinOverNamedOnes) {
  const Router router = router_of({{"GET", "/api/payouts/:id"},
                                   {"GET", "/api/payouts/batches"},
                                   {"GET", "/api/payouts/batches/:id"},
                                   {"GET", "/api/payouts/:id/timeline"}});
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts/batches"), "/api/payouts/batches");
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts/po_1"), "/api/payouts/:id");
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts/batches/1"), "/api/payouts/batches/:id");
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts/1/timeline"), "/api/payouts/:id/timeline");
}

TEST(Router, AnswersWithoutApiUnlessARouteIsWrittenSo) {
  const Router router = router_of({{"GET", "/api/sales"}, {"GET", "/api/docs"}, {"GET", "/docs"}});
  EXPECT_EQ(pattern_of(router, "GET", "/sales"), "/api/sales");
  EXPECT_EQ(pattern_of(router, "GET", "/docs"), "/docs");
  EXPECT_EQ(pattern_of(router, "GET", "/api/docs"), "/api/docs");
}

TEST(Router, TellsWhichMethodsAPathTakes) {
  const Router router = router_of({{"GET", "/api/sales"}, {"POST", "/api/sales"}});
  EXPECT_EQ(pattern_of(router, "DELETE", "/api/sales"), "GET, HEAD, POST");
  EXPECT_EQ(pattern_of(router, "HEAD", "/api/sales"), "/api/sales");
  EXPECT_EQ(pattern_of(router, "GET", "/api/sale"), "");
}

TEST(Router, KeepsADecodedSlashInsideItsSegment) {
  const Router router = router_of({{"GET", "/api/entities/:id"}});
  const auto target = parse_target("/api/entities/a%2Fb%20c");
  EXPECT_EQ(router.match("GET", target->segments).params.at("id"), "a/b c");
}

TEST(Router, AnEmptySegmentIsNoId) {
  const Router router = router_of({{"POST", "/api/payouts/:id/cancel"}, {"GET", "/api/payouts"}});
  EXPECT_EQ(pattern_of(router, "POST", "/api/payouts//cancel"), "");
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts/"), "/api/payouts");
  EXPECT_EQ(pattern_of(router, "GET", "/api/payouts//"), "");
  EXPECT_EQ(pattern_of(router, "GET", "//api/payouts"), "");
}

TEST(Router, RefusesTwoRoutesOfOneShape) {
  EXPECT_THROW(router_of({{"GET", "/a/:id"}, {"GET", "/a/:name"}}), Broken);
  EXPECT_NO_THROW(router_of({{"GET", "/a/:id"}, {"POST", "/a/:name"}}));
}

// What nobody reads would pass in silence; what is open to everybody (a health check) may have any.
TEST(Router, RefusesAQueryWhereNoneIsDocumented) {
  Router router;
  const auto add = [&](const char* pattern, const char* access, Json parameters) {
    Route route{"GET", pattern, access, [](Context&) { return Reply::text(200, "x"); }};
    route.docs.parameters = std::move(parameters);
    router.add(std::move(route));
  };
  add("/plain", "read", Json::array());
  add("/list", "read", Json::array({{{"name", "limit"}, {"in", "query"}}}));
  add("/open", "", Json::array());
  router.authenticate_with([](Request&, const Route&) { return std::nullopt; });
  const auto status = [&](std::size_t route,
                          std::vector<std::pair<std::string, std::string>> query) {
    Request request;
    request.query = std::move(query);
    HoldSource source;
    return router.run(request, router.routes()[route], source).status;
  };
  EXPECT_EQ(status(0, {}), 200);
  EXPECT_EQ(status(0, {{"account", "acct_1"}}), 400);
  EXPECT_EQ(status(1, {{"account", "acct_1"}}), 200);  // its handler decides
  EXPECT_EQ(status(2, {{"account", "acct_1"}}), 200);
}

TEST(Target, IsDecodedStrictly) {
  EXPECT_EQ(parse_target("/a%20b?x=1+2&y=%2B&x=3&flag")->query,
            (std::vector<std::pair<std::string, std::string>>{
                {"x", "1 2"}, {"y", "+"}, {"x", "3"}, {"flag", ""}}));
  EXPECT_EQ(parse_target("/a?b=c?d")->query[0].second, "c?d");
  EXPECT_EQ(parse_target("http://host:1/a?b=1")->path(), "/a");
  EXPECT_EQ(parse_target("/")->segments.size(), 0u);
  for (const auto* bad : {"/%", "/%1", "/%zz", "/a%00b", "/%ff", "/%c0%af", "/%ed%a0%80", "/?a=%",
                          "a", "*", "http://host", "/a#b", "/?x=%00"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

}  // namespace
}  // namespace payoutd::http
