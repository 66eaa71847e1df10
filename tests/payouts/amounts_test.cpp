// Amounts as a caller may write them: exact, in minor units or as decimals, or a refusal that says
// which field, what was given and what is allowed. What is refused here never reaches Stripe.
#include "payouts/money_world.h"

namespace payoutd::payouts {
namespace {

struct Amounts : MoneyTest {
  Amounts() : MoneyTest() {
    sim.inspect([&](sim::World& world) {
      for (const char* currency : {"jpy", "kwd", "huf"}) {
        sim::attach_bank(world, *world.store.account(shop), {.currency = currency});
      }
    });
    for (const char* currency : {"jpy", "kwd", "huf"}) fund(shop, 100'000'000, currency);
  }
  // What Stripe has moved after this text was posted: "1050 usd", or the refusal: "422
  // amount_too_large amount".
  std::string outcome(const std::string& body) {
    const std::size_t before = moved().size();
    const auto answered = send("POST", "/api/payouts", key, body);
    const Json all = moved();
    if (answered.status == 201) {
      EXPECT_EQ(all.size(), before + 1);
      EXPECT_EQ(json(answered)["amount"], all.back()["amount"]);
      return fmt::format("{} {}", all.back()["amount"].get<std::int64_t>(),
                         all.back()["currency"].get<std::string>());
    }
    EXPECT_EQ(all.size(), before) << body;
    const Json error = json(answered)["error"];
    EXPECT_GT(error["message"].get<std::string>().size(), 15u);
    const Json detail =
        error.contains("details") && error["details"].is_array() && !error["details"].empty()
            ? error["details"][0]
            : error;
    return fmt::format("{} {} {}", answered.status, detail.value("code", ""),
                       detail["param"].is_string() ? detail["param"].get<std::string>() : "");
  }
  std::string message(const std::string& body) {
    return send("POST", "/api/payouts", key, body).body;
  }
};

TEST_F(Amounts, InMinorUnitsOrAsDecimalsAreTheSameMoney) {
  EXPECT_EQ(outcome(R"({"amount": 1050, "currency": "usd"})"), "1050 usd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "10.50", "currency": "USD"})"), "1050 usd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "10.5", "currency": "usd"})"), "1050 usd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "10", "currency": "usd"})"), "1000 usd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "0.01", "currency": "usd"})"), "1 usd");
  EXPECT_EQ(outcome(R"({"amount": 1050, "amount_decimal": "10.50", "currency": "usd"})"),
            "1050 usd");
  const Json payout = get("/api/payouts")["data"][0];
  EXPECT_EQ(payout["amount"], 1050);
  EXPECT_EQ(payout["amount_decimal"], "10.50");
}

TEST_F(Amounts, HaveTheDecimalsOfTheirCurrency) {
  EXPECT_EQ(outcome(R"({"amount": 500, "currency": "jpy"})"), "500 jpy");
  EXPECT_EQ(outcome(R"({"amount_decimal": "500", "currency": "jpy"})"), "500 jpy");
  EXPECT_EQ(outcome(R"({"amount_decimal": "500.0", "currency": "jpy"})"),
            "422 amount_precision amount_decimal");
  EXPECT_EQ(outcome(R"({"amount_decimal": "1.230", "currency": "kwd"})"), "1230 kwd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "1.23", "currency": "kwd"})"), "1230 kwd");
  EXPECT_EQ(outcome(R"({"amount_decimal": "1.2345", "currency": "kwd"})"),
            "422 amount_precision amount_decimal");
  EXPECT_EQ(outcome(R"({"amount_decimal": "10.505", "currency": "usd"})"),
            "422 amount_precision amount_decimal");
  const std::string why = message(R"({"amount_decimal": "10.505", "currency": "usd"})");
  EXPECT_NE(why.find("10.505"), std::string::npos) << why;
  EXPECT_NE(why.find("usd has 2"), std::string::npos) << why;
}

TEST_F(Amounts, AreMultiplesOfWhatTheBankPaysOut) {
  EXPECT_EQ(outcome(R"({"amount": 1235, "currency": "kwd"})"), "422 amount_step_invalid amount");
  EXPECT_EQ(outcome(R"({"amount": 150, "currency": "huf"})"), "422 amount_step_invalid amount");
  EXPECT_EQ(outcome(R"({"amount": 300, "currency": "huf"})"), "300 huf");
}

TEST_F(Amounts, ThatAreNoWholeNumbersAreRefused) {
  for (const char* amount :
       {"10.5", "1e3", "1000.0", "1e400", "\"1000\"", "true", "[1000]", "{}", "\"\""}) {
    const std::string body = fmt::format(R"({{"amount": {}, "currency": "usd"}})", amount);
    EXPECT_TRUE(outcome(body).starts_with("400 ")) << amount << ": " << message(body);
  }
  EXPECT_EQ(outcome(R"({"amount": 10.5, "currency": "usd"})"), "400 amount_invalid amount");
  EXPECT_EQ(outcome(R"({"amount": "1000", "currency": "usd"})"), "400 amount_invalid amount");
  for (const char* amount :
       {"10,50", " 10", "10.", ".5", "+1", "1e3", "0x10", "10.5.5", "NaN", "١"}) {
    EXPECT_EQ(outcome(fmt::format(R"({{"amount_decimal": "{}", "currency": "usd"}})", amount)),
              "400 amount_invalid amount_decimal")
        << amount;
  }
  EXPECT_TRUE(outcome(R"({"amount_decimal": 10.5, "currency": "usd"})").starts_with("400 "));
  EXPECT_EQ(outcome(R"({"amount": null, "currency": "usd"})"), "400 parameter_missing amount");
  EXPECT_EQ(outcome(R"({"currency": "usd"})"), "400 parameter_missing amount");
  EXPECT_EQ(outcome(R"({"amount": 100, "amount_decimal": "2.00", "currency": "usd"})"),
            "400 parameter_ambiguous amount_decimal");
}

TEST_F(Amounts, AtTheEdgesAreExact) {
  for (const char* amount : {"0", "-1", "-1000", "-0"}) {
    EXPECT_EQ(outcome(fmt::format(R"({{"amount": {}, "currency": "usd"}})", amount)),
              "400 amount_invalid amount");
  }
  EXPECT_EQ(outcome(R"({"amount_decimal": "-5.00", "currency": "usd"})"),
            "400 amount_invalid amount_decimal");
  EXPECT_EQ(outcome(R"({"amount_decimal": "0.00", "currency": "usd"})"),
            "400 amount_invalid amount_decimal");
  // 10^15 is allowed to be asked for; there is not so much.
  EXPECT_EQ(outcome(R"({"amount": 1000000000000000, "currency": "usd"})"),
            "422 balance_insufficient amount");
  for (const char* amount : {"1000000000000001", "9223372036854775807", "9223372036854775808",
                             "18446744073709551615", "-9223372036854775808"}) {
    EXPECT_EQ(outcome(fmt::format(R"({{"amount": {}, "currency": "usd"}})", amount)),
              "422 amount_too_large amount")
        << amount;
  }
  EXPECT_EQ(outcome(R"({"amount_decimal": "10000000000000.01", "currency": "usd"})"),
            "422 amount_too_large amount_decimal");
  EXPECT_EQ(outcome(R"({"amount_decimal": "99999999999999999999999", "currency": "usd"})"),
            "422 amount_too_large amount_decimal");
  const std::string why = message(R"({"amount": 1000000000000001, "currency": "usd"})");
  EXPECT_NE(why.find("1000000000000001 was given"), std::string::npos) << why;
  EXPECT_NE(why.find("at most 1000000000000000"), std::string::npos) << why;
}

TEST_F(Amounts, AllThatIsWrongIsSaidAtOnce) {
  const Json error = Json::parse(message(
      R"({"amount": 1.5, "currency": "xyz", "method": "pigeon", "metadata": {"payoutd_key": "k"}, "colour": "red"})"))
      ["error"];
  std::set<std::string> params;
  for (const Json& detail : error["details"]) params.insert(detail["param"]);
  EXPECT_EQ(params, (std::set<std::string>{"amount", "currency", "method", "metadata.payoutd_key",
                                           "colour"}))
      << error.dump();
  EXPECT_EQ(moved().size(), 0u);
}

TEST_F(Amounts, TheEnginesFieldsAreNotMistakenForAStripePayout) {
  EXPECT_EQ(outcome(R"({"amount": 100, "currency": "usd", "priority": "normal"})"),
            "422 not_available priority");
  EXPECT_EQ(
      outcome(R"({"amount": 100, "currency": "usd", "priority": "normal", "method": "standard"})"),
      "400 ambiguous priority");
}

TEST_F(Amounts, WithoutACurrencyItIsTheAccounts) {
  EXPECT_EQ(outcome(R"({"amount": 700})"), "700 usd");
}

TEST_F(Amounts, MetadataAndDescriptionArriveAsTheyWereGiven) {
  const Json metadata{{"order", "7 & 8"}, {"naïve", "ü=€"}};
  const auto answered = pay(
      "k1",
      {{"amount", 100}, {"currency", "usd"}, {"description", "März & Co"}, {"metadata", metadata}});
  ASSERT_EQ(answered.status, 201) << answered.body;
  EXPECT_EQ(json(answered)["metadata"], metadata);
  EXPECT_EQ(json(answered)["description"], "März & Co");
  for (const auto& [name, value] : metadata.items()) EXPECT_EQ(moved()[0]["metadata"][name], value);
  EXPECT_EQ(moved()[0]["metadata"][stripe::kRequestKey], "k1");
  Json many = Json::object();
  for (int i = 0; i < 47; ++i) many[fmt::format("key{}", i)] = std::string(500, 'x');
  EXPECT_EQ(pay("k2", {{"amount", 100}, {"currency", "usd"}, {"metadata", many}}).status,
            400);  // 16 kB in all
  for (auto& value : many) value = "x";
  EXPECT_EQ(pay("k3", {{"amount", 100}, {"currency", "usd"}, {"metadata", many}}).status, 201);
  const auto repeated = [](int times) {
    std::string text;
    for (; times > 0; --times) text += "ü";
    return text;
  };
  const Json longest{{repeated(40), repeated(500)}};
  EXPECT_EQ(pay("k5", {{"amount", 100},
                       {"currency", "usd"},
                       {"description", repeated(500)},
                       {"metadata", longest}})
                .status,
            201);
  EXPECT_EQ(
      pay("k6", {{"amount", 100}, {"currency", "usd"}, {"description", repeated(501)}}).status,
      400);
  many["one_more"] = "x";
  EXPECT_EQ(pay("k4", {{"amount", 100}, {"currency", "usd"}, {"metadata", many}}).status, 400);
}

}  // namespace
}  // namespace payoutd::payouts
