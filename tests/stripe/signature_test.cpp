#include "stripe/signature.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "base/json.h"

namespace payoutd::stripe {
namespace {

Json fixture(const std::string& name) {
  std::ifstream file(std::string(PAYOUTD_SOURCE_DIR "/fixtures/signatures/") + name);
  return Json::parse(file);
}

std::vector<Secret> secrets_of(const Json& list) {
  std::vector<Secret> secrets;
  for (const auto& text : list) secrets.emplace_back(text.get<std::string>());
  return secrets;
}

TEST(Signature, EveryVectorIsSignedAsStripeSignsIt) {
  const Json vectors = fixture("vectors.json")["vectors"];
  ASSERT_EQ(vectors.size(), 5u);
  for (const auto& v : vectors) {
    const Secret secret{v["secret"].get<std::string>()};
    const std::string header =
        signature_header(v["body"].get<std::string>(), secret, v["t"].get<int>());
    EXPECT_EQ(header,
              "t=" + std::to_string(v["t"].get<int>()) + ",v1=" + v["signature"].get<std::string>())
        << v["name"];
  }
}

TEST(Signature, EveryVectorWithABodyIsAccepted) {
  const Json vectors = fixture("vectors.json")["vectors"];
  for (const auto& v : vectors) {
    const auto body = v["body"].get<std::string>();
    if (body.empty()) continue;
    const SignatureVerifier verifier({Secret{v["secret"].get<std::string>()}});
    const auto t = v["t"].get<std::int64_t>();
    const auto verified =
        verifier.verify(body, "t=" + std::to_string(t) + ",v1=" + v["signature"].get<std::string>(),
                        from_unix(t + 10));
    ASSERT_TRUE(verified) << v["name"] << verified.error().message;
    EXPECT_EQ(verified->signed_at, t);
  }
}

TEST(Signature, EveryDecisionIsTheOneListed) {
  const Json fixed = fixture("decisions.json");
  ASSERT_GE(fixed["cases"].size(), 70u);
  for (const auto& c : fixed["cases"]) {
    const auto pick = [&](const char* name) { return c.contains(name) ? c[name] : fixed[name]; };
    const SignatureVerifier verifier(secrets_of(pick("secrets")),
                                     std::chrono::seconds{pick("tolerance").get<int>()});
    const Time now = from_micros(pick("now_ms").get<std::int64_t>() * 1000);
    const auto verified =
        verifier.verify(pick("body").get<std::string>(), c["header"].get<std::string>(), now);
    EXPECT_EQ(verified ? "accept" : verified.error().code, c["expect"]) << c["name"];
    if (verified) {
      EXPECT_EQ(verified->secret, c.value("secret", 0u)) << c["name"];
    }
    if (c.contains("hint")) {
      EXPECT_NE(verified.error().message.find(c["hint"].get<std::string>()), std::string::npos)
          << c["name"];
    }
  }
}

TEST(Signature, NoRefusalShowsASecret) {
  const std::string secret = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH";
  const Json cases = fixture("decisions.json")["cases"];
  for (const auto& c : cases) {
    const auto verified = SignatureVerifier({Secret{secret + "\n"}})
                              .verify("{}", c["header"].get<std::string>(), from_unix(1700000000));
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().message.find(secret), std::string::npos);
  }
}

TEST(Signature, AHeaderTooLongIsRefusedBeforeAnyHashing) {
  std::string header = "t=1700000000";
  while (header.size() <= kMaxSignatureHeader) header += ",v1=" + std::string(64, '0');
  const auto verified =
      SignatureVerifier({Secret{"whsec_x"}}).verify("{}", header, from_unix(1700000000));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, "signature_header_malformed");
}

TEST(Signature, AnyChangedByteOfTheBodyIsNoticed) {
  const Secret secret{"whsec_test_secret"};
  const SignatureVerifier verifier({secret});
  std::string body(2400, 'x');
  const std::string header = signature_header(body, secret, 1700000000);
  ASSERT_TRUE(verifier.verify(body, header, from_unix(1700000000)));
  for (std::size_t i = 0; i < body.size(); i += 7) {
    body[i] = 'y';
    EXPECT_FALSE(verifier.verify(body, header, from_unix(1700000000)));
    body[i] = 'x';
  }
}

TEST(Signature, OneVerifierServesManyThreads) {
  const Secret secret{"whsec_test_secret"};
  const SignatureVerifier verifier({Secret{"whsec_other"}, secret});
  std::atomic<int> accepted{0};
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 4; ++n) {
      threads.emplace_back([&, n] {
        for (int i = 0; i < 200; ++i) {
          const std::string body = std::to_string(n * 1000 + i);
          const std::string header = signature_header(body, secret, 1700000000);
          if (verifier.verify(body, header, from_unix(1700000000))) ++accepted;
        }
      });
    }
  }
  EXPECT_EQ(accepted, 800);
}

}  // namespace
}  // namespace payoutd::stripe
