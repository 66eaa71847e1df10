#include <gtest/gtest.h>

#include "access/idempotency_rules.h"
#include "access/key_text.h"
#include "access/principal.h"
#include "http/page.h"

namespace payoutd::access {
namespace {

const http::Route kCancel{"POST", "/api/payouts/:id/cancel", "write",
                          [](http::Context&) { return http::Reply{}; }};

http::Request cancel_request(std::string id, std::string body = "{}") {
  http::Request request;
  request.method = "POST";
  request.path = "/api/payouts/" + id + "/cancel";
  request.params["id"] = std::move(id);
  request.body = std::move(body);
  return request;
}

TEST(KeyText, IsLongRandomAndRecognized) {
  const Secret key = make_key_text();
  EXPECT_TRUE(looks_like_key(key.reveal()));
  EXPECT_NE(key, make_key_text());
  EXPECT_GE(5.95 * static_cast<double>(kKeyRandomCharacters - 4), 160);
  EXPECT_EQ(shown_prefix(key).size(), kKeyPrefix.size() + 4);
  for (const char* wrong : {"", "pk_payoutd_", "sk_test_0123456789012345678901234567890123456"}) {
    EXPECT_FALSE(looks_like_key(wrong));
  }
  EXPECT_FALSE(looks_like_key(key.reveal() + "x"));
  EXPECT_FALSE(looks_like_key(std::string(kKeyPrefix) + std::string(31, 'a') + "'"));
}

TEST(KeyText, IsComparedAsAWhole) {
  EXPECT_TRUE(equal_constant_time(sha256("a"), sha256("a")));
  EXPECT_FALSE(equal_constant_time(sha256("a"), sha256("b")));
  EXPECT_FALSE(equal_constant_time("a", "ab"));
}

TEST(Actor, IsAPlainName) {
  EXPECT_TRUE(valid_actor("jane.doe+ops@example.com"));
  EXPECT_FALSE(valid_actor(""));
  EXPECT_FALSE(valid_actor("jane doe"));
  EXPECT_FALSE(valid_actor("j\xC3\xBCrgen"));
  EXPECT_FALSE(valid_actor(std::string(129, 'a')));
}

TEST(Right, CanBeAskedForInsideAHandler) {
  http::Request request;
  set_principal(request, {.organization = OrgId::make(), .role = Role::approver});
  EXPECT_TRUE(require_right(request, Right::approve));
  EXPECT_EQ(require_right(request, Right::write).error().code, "role_not_allowed");
  EXPECT_EQ(require_right(request, Right::system).error().code, "not_system");
  EXPECT_EQ(find_principal(http::Request{}), nullptr);
  EXPECT_THROW(principal(http::Request{}), Broken);
}

TEST(Fingerprint, IsOfMethodPathQueryAndBody) {
  const std::string first = fingerprint_of(cancel_request("po_1"), kCancel);
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(first, fingerprint_of(cancel_request("po_1"), kCancel));
  EXPECT_NE(first, fingerprint_of(cancel_request("po_2"), kCancel));
  EXPECT_NE(first, fingerprint_of(cancel_request("po_1", "{ }"), kCancel));
  http::Route other = kCancel;
  other.pattern = "/api/payouts/:id/reject";
  EXPECT_NE(first, fingerprint_of(cancel_request("po_1"), other));
  http::Request with_query = cancel_request("po_1");
  with_query.query = {{"account", "acct_1"}};
  EXPECT_NE(first, fingerprint_of(with_query, kCancel));
}

TEST(Fingerprint, IsTheSameForBothSpellingsOfAPath) {
  http::Request without_api = cancel_request("po_1");
  without_api.path = "/payouts/po_1/cancel";
  EXPECT_EQ(fingerprint_of(without_api, kCancel), fingerprint_of(cancel_request("po_1"), kCancel));
  EXPECT_EQ(canonical_path(without_api, kCancel), "/api/payouts/po_1/cancel");
}

TEST(Fingerprint, KeepsNeighboursApart) {
  http::Request one = cancel_request("po_1");
  http::Request two = cancel_request("po_1");
  one.query = {{"a", "bc"}};
  two.query = {{"ab", "c"}};
  EXPECT_NE(fingerprint_of(one, kCancel), fingerprint_of(two, kCancel));
}

TEST(IdempotencyKey, HasOneTo255PrintableCharacters) {
  http::Request request;
  EXPECT_EQ(*idempotency_key_in(request), std::nullopt);
  for (const std::string& good : {std::string("k"), std::string(255, '~'), std::string("a b")}) {
    request.headers = {{"idempotency-key", good}};
    EXPECT_EQ(**idempotency_key_in(request), good);
  }
  for (const std::string& bad :
       {std::string(), std::string(256, 'a'), std::string("a\tb"), std::string("\xC3\xA9")}) {
    request.headers = {{"idempotency-key", bad}};
    EXPECT_EQ(idempotency_key_in(request).error().code, "idempotency_key_invalid");
  }
  request.headers = {{"idempotency-key", "a"}, {"idempotency-key", "a"}};
  EXPECT_EQ(idempotency_key_in(request).error().kind, Kind::invalid);
}

TEST(IdempotencyKey, CanBeInsistedOn) {
  http::Request request;
  set_principal(request, Principal{});
  EXPECT_EQ(require_idempotency_key(request).error().code, "idempotency_key_required");
  set_idempotent_run(request, {"k1", Uuid::v7()});
  EXPECT_EQ(*require_idempotency_key(request), "k1");
}

TEST(Page, IsOneOfCursorOffsetAndNumber) {
  http::Request request;
  EXPECT_EQ(page_of(request)->limit, 20);
  request.query = {{"limit", "5"}, {"page", "3"}, {"include", "total"}};
  EXPECT_EQ(page_of(request)->offset, 10);
  EXPECT_TRUE(page_of(request)->with_total);
  request.query = {{"limit", "5"}, {"offset", "3"}};
  EXPECT_EQ(page_of(request)->offset, 3);
  request.query = {{"limit", "0"}, {"offset", "-1"}, {"page", "x"}};
  EXPECT_EQ(page_of(request).error().details.size(), 3u);
  request.query = {{"cursor", "c"}, {"offset", "1"}};
  EXPECT_EQ(page_of(request).error().code, "parameter_ambiguous");
  request.query = {{"nothing", "1"}};
  EXPECT_EQ(page_of(request).error().code, "parameter_unknown");
}

}  // namespace
}  // namespace payoutd::access
