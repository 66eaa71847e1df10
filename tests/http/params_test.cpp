#include "http/params.h"

#include <gtest/gtest.h>

namespace payoutd::http {
namespace {

Request body(std::string json) {
  Request request;
  request.body = std::move(json);
  return request;
}

Request query(std::vector<std::pair<std::string, std::string>> pairs) {
  Request request;
  request.query = std::move(pairs);
  return request;
}

const Currency kUsd = *Currency::parse("usd");

std::optional<Error> amount_error(const std::string& json) {
  auto fields = Fields::of_body(body(json));
  const auto money = fields.money(kUsd, {.required = true});
  EXPECT_FALSE(money);
  return fields.done();
}

TEST(Amount, TakesWholeMinorUnitsOrExactText) {
  auto minor = Fields::of_body(body(R"({"amount": 100000})"));
  EXPECT_EQ(minor.money(kUsd)->minor, 100'000);
  EXPECT_FALSE(minor.done());
  auto decimal = Fields::of_body(body(R"({"amount_decimal": "1000.00"})"));
  EXPECT_EQ(decimal.money(kUsd)->minor, 100'000);
  auto both = Fields::of_body(body(R"({"amount": 100000, "amount_decimal": "1000.00"})"));
  EXPECT_EQ(both.money(kUsd)->minor, 100'000);
}

TEST(Amount, SaysWhatAFractionOrAStringShouldBe) {
  for (const auto* json : {R"({"amount": 10.5})", R"({"amount": 1000.0})", R"({"amount": 1e3})"}) {
    const auto error = amount_error(json);
    EXPECT_EQ(error->kind, Kind::invalid) << json;
    EXPECT_EQ(error->code, "amount_invalid");
    EXPECT_EQ(error->param, "amount");
    EXPECT_NE(error->message.find("without a fraction"), std::string::npos);
  }
  EXPECT_NE(amount_error(R"({"amount": "1050"})")->message.find("not a string"), std::string::npos);
  EXPECT_EQ(amount_error(R"({"amount_decimal": 10.50})")->code, "parameter_type");
  EXPECT_EQ(amount_error(R"({"amount": 0})")->code, "amount_invalid");
  EXPECT_EQ(amount_error(R"({"amount": -5})")->kind, Kind::invalid);
  EXPECT_EQ(amount_error(R"({})")->code, "parameter_missing");
  EXPECT_EQ(amount_error(R"({"amount": null})")->code, "parameter_missing");
}

TEST(Amount, BeyondTheLimitIsUnprocessable) {
  for (const auto* json :
       {R"({"amount": 1000000000000001})", R"({"amount": 18446744073709551615})",
        R"({"amount": 99999999999999999999})", R"({"amount": -99999999999999999999})",
        R"({"amount_decimal": "99999999999999999.00"})"}) {
    const auto error = amount_error(json);
    EXPECT_EQ(error->kind, Kind::unprocessable) << json;
    EXPECT_EQ(error->code, "amount_too_large") << json;
  }
  EXPECT_EQ(amount_error(R"({"amount_decimal": "1.005"})")->code, "amount_precision");
  EXPECT_EQ(amount_error(R"({"amount": 100, "amount_decimal": "2.00"})")->code,
            "parameter_ambiguous");
}

TEST(Amount, HasItsFormCheckedWithoutACurrency) {
  auto fields = Fields::of_body(body(R"({"amount": "x", "currency": "nope"})"));
  EXPECT_FALSE(fields.money(fields.currency({"currency"})));
  EXPECT_EQ(fields.done()->details.size(), 2u);
}

TEST(Body, CountsTheCharactersOfAText) {
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "ü";
  auto fits = Fields::of_body(body(R"({"name": ")" + umlauts + R"("})"));
  EXPECT_EQ(fits.text({"name"}), umlauts);
  EXPECT_FALSE(fits.done());
  auto more = Fields::of_body(body(R"({"name": "x)" + umlauts + R"("})"));
  EXPECT_FALSE(more.text({"name"}));
  const auto error = more.done();
  EXPECT_EQ(error->code, "parameter_too_long");
  EXPECT_EQ(error->message, "name: must not have more than 255 characters");
}

TEST(Body, TellsAllMistakesAtOnce) {
  auto fields =
      Fields::of_body(body(R"({"name": "", "count": 1.5, "kind": "z", "when": "soon", "x": 1})"));
  fields.need({"currency"}).currency({"currency"});
  EXPECT_FALSE(fields.text({"name"}));
  EXPECT_FALSE(fields.integer({"count"}, 0, 10));
  EXPECT_FALSE(fields.word({"kind"}, {"user", "merchant"}));
  EXPECT_FALSE(fields.time({"when"}));
  const auto error = fields.done();
  EXPECT_EQ(error->code, "validation_error");
  EXPECT_EQ(error->kind, Kind::invalid);
  ASSERT_EQ(error->details.size(), 6u);
  EXPECT_EQ(error->details[5].param, "x");
  EXPECT_EQ(error->details[5].code, "parameter_unknown");
  EXPECT_NE(error->details[5].message.find("currency, name, count, kind, when"), std::string::npos);
}

TEST(Body, IsAnObjectOrNothing) {
  EXPECT_EQ(Fields::of_body(body("[]")).done()->code, "invalid_json");
  auto broken = Fields::of_body(body("{"));
  broken.need({"name"});
  EXPECT_EQ(broken.done()->code, "invalid_json");
  EXPECT_FALSE(Fields::of_body(body("")).done());
}

TEST(Body, RefusesANulThatPostgresCannotKeep) {
  auto fields = Fields::of_body(body(R"({"name": "a\u0000b", "metadata": {"k": ["\u0000"]}})"));
  EXPECT_FALSE(fields.text({"name"}));
  EXPECT_FALSE(fields.object({"metadata"}));
  EXPECT_EQ(fields.done()->details.size(), 2u);
}

TEST(Body, NamesFieldsInsideByTheirPath) {
  auto fields =
      Fields::of_body(body(R"({"splits": [{"bps": 1}, {"bps": "x", "y": 0}], "to": {"bank": 1}})"));
  for (auto& split : fields.list({"splits"}, 10)) (void)split.integer({"bps"}, 0, 10'000);
  (void)fields.nested({"to"})->text({"bank"});
  const auto error = fields.done();
  ASSERT_EQ(error->details.size(), 3u);
  EXPECT_EQ(error->details[0].param, "splits[1].bps");
  EXPECT_EQ(error->details[1].param, "to.bank");
  EXPECT_EQ(error->details[2].param, "splits[1].y");
}

TEST(Query, TakesEverySpellingOnce) {
  const Names from{"from_date", "dateFrom", "startDate"};
  auto one = Fields::of_query(query({{"startDate", "2026-03-01"}}));
  EXPECT_EQ(to_iso(*one.time(from)), "2026-03-01T00:00:00Z");
  EXPECT_FALSE(one.done());
  auto two = Fields::of_query(query({{"startDate", "2026-03-01"}, {"dateFrom", "2026-03-02"}}));
  EXPECT_FALSE(two.time(from));
  EXPECT_EQ(two.done()->code, "parameter_ambiguous");
  auto repeated = Fields::of_query(query({{"status", "a"}, {"status", "b"}}));
  EXPECT_FALSE(repeated.text({"status"}));
  EXPECT_EQ(repeated.done()->code, "parameter_repeated");
}

TEST(Query, ReadsTypesFromText) {
  auto fields = Fields::of_query(query({{"n", "42"},
                                        {"on", "true"},
                                        {"when", "1700000000"},
                                        {"status", "PAID,pending"},
                                        {"status", "paid"},
                                        {"c", "EUR"}}));
  EXPECT_EQ(fields.integer({"n"}, 1, 100), 42);
  EXPECT_EQ(fields.flag({"on"}), true);
  EXPECT_EQ(to_unix(*fields.time({"when"})), 1'700'000'000);
  EXPECT_EQ(fields.words({"status"}, {"pending", "paid"}),
            (std::vector<std::string>{"paid", "pending"}));
  EXPECT_EQ(fields.currency({"c"})->str(), "eur");
  EXPECT_FALSE(fields.done());
}

TEST(Query, EndsADayAtItsLastMicrosecond) {
  auto fields = Fields::of_query(query({{"endDate", "2026-03-01"}}));
  EXPECT_EQ(to_iso(*fields.time({"endDate"}, DayEdge::last)), "2026-03-01T23:59:59.999999Z");
}

TEST(PageOfAQuery, HasLimitsAndOneWayAtATime) {
  auto none = Fields::of_query(query({}));
  EXPECT_EQ(none.page().limit, 20);
  auto page = Fields::of_query(query({{"page", "3"}, {"limit", "50"}, {"include", "total"}}));
  const Page third = page.page();
  EXPECT_EQ(third.offset, 100);
  EXPECT_TRUE(third.with_total);
  EXPECT_FALSE(page.done());
  for (const auto* limit : {"0", "101", "-1", "x", "1.5", "99999999999999999999", ""}) {
    auto wrong = Fields::of_query(query({{"limit", limit}}));
    (void)wrong.page();
    EXPECT_EQ(wrong.done()->param, "limit") << limit;
  }
  auto both = Fields::of_query(query({{"cursor", "a"}, {"offset", "20"}}));
  (void)both.page();
  EXPECT_EQ(both.done()->code, "parameter_ambiguous");
}

}  // namespace
}  // namespace payoutd::http
