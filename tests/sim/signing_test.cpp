#include "stripe/sim/delivery/signing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace payoutd::sim {
namespace {

const std::string kBody = R"({"id":"evt_1","object":"event"})";
const Secret kSecret{"whsec_test_secret"};

// Made with the official Node SDK's generateTestHeaderString.
TEST(Signing, GivesTheOfficialVectors) {
  EXPECT_EQ(v1_signature(kBody, kSecret, 1700000000),
            "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd");
  EXPECT_EQ(v1_signature("{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}", kSecret,
                         1495999758),
            "6340073448544f68e8673f5d451fd66d10b9facf9c1c36f23c174994d49f2091");
  EXPECT_EQ(v1_signature(R"({"id":"evt_3","object":"event","type":"payout.paid","data":{"object":{)"
                         R"("id":"po_1","object":"payout","amount":1100,"currency":"eur",)"
                         R"("description":"Zahlung über 11,00 € 🚀"}}})",
                         Secret{"whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"}, 1760000000),
            "05d7fe11eec8d182b39c0383e36b269cd6ec0c07d8f1c8edb70bd40227026164");
  EXPECT_EQ(v1_signature("", kSecret, 1700000000),
            "316b9ab98c15bfa039d243f3196acee619cf29749a91a634e6a8154e2f7b6727");
}

TEST(Signing, ALiveHeaderHasTheTimeAndOneSignaturePerSecret) {
  const std::vector<Secret> rolled{Secret{"whsec_test_secret_rolled_key"}, kSecret};
  EXPECT_EQ(signature_header(kBody, rolled, from_unix(1700000000), true),
            "t=1700000000,v1=29389d710f70245bf8fe4fa9cd26f8dd72223b86a7ef711a29c7c7196f3ff08d,"
            "v1=0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd");
}

TEST(Signing, ATestHeaderAddsAFalseV0) {
  const std::vector<Secret> one{kSecret};
  const std::string header = signature_header(kBody, one, from_unix(1700000000), false);
  const std::string live = signature_header(kBody, one, from_unix(1700000000), true);
  ASSERT_TRUE(header.starts_with(live + ",v0="));
  EXPECT_EQ(header.size(), live.size() + 4 + 64);
  EXPECT_EQ(header.find("0c8670ed", live.size()), std::string::npos);
}

TEST(Signing, SecretsAreWholeAndUnlike) {
  const Secret secret = make_webhook_secret();
  EXPECT_TRUE(secret.reveal().starts_with("whsec_"));
  EXPECT_EQ(secret.reveal().size(), 38u);
  EXPECT_NE(secret, make_webhook_secret());
}

}  // namespace
}  // namespace payoutd::sim
