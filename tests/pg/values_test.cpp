#include "pg/values.h"

#include <gtest/gtest.h>

#include <limits>

#include "pg/notes.h"

namespace payoutd::pg {
namespace {

// Both ways in one statement: a value, and the same as the element of an array.
const Query kBool{"test_bool", "SELECT $1::bool, UNNEST($2::bool[])", Tenancy::global};
const Query kInt{"test_int", "SELECT $1::int, UNNEST($2::int[])", Tenancy::global};
const Query kBigint{"test_bigint", "SELECT $1::bigint, UNNEST($2::bigint[])", Tenancy::global};
const Query kText{"test_text", "SELECT $1::text, UNNEST($2::text[])", Tenancy::global};
const Query kBytea{"test_bytea", "SELECT $1::bytea, UNNEST($2::bytea[])", Tenancy::global};
const Query kUuid{"test_uuid", "SELECT $1::uuid, UNNEST($2::uuid[])", Tenancy::global};
const Query kTime{"test_time", "SELECT $1::timestamptz, UNNEST($2::timestamptz[])",
                  Tenancy::global};
const Query kDay{"test_day", "SELECT $1::date, UNNEST($2::date[])", Tenancy::global};
const Query kJson{"test_json", "SELECT $1::jsonb", Tenancy::global};
const Query kCount{"test_count", "SELECT count(*), count(v) FROM UNNEST($1::text[]) AS v",
                   Tenancy::global};
const Query kMicros{"test_micros", R"sql(
  SELECT (EXTRACT(epoch FROM $1::timestamptz) * 1000000)::bigint AS micros)sql",
                    Tenancy::global};

struct Values : support::DatabaseTest {
  template <class T>
  void come_back(const Query& query, const std::vector<T>& values) {
    Array<T> all;
    for (const T& value : values) all.add(value);
    all.null();
    EXPECT_EQ(all.size(), values.size() + 1);
    Result<Rows> answer =
        db().read([&](Tx& tx) -> Result<Rows> { return tx.exec(query, values.front(), all); });
    const Rows& rows = *answer;
    EXPECT_EQ(rows.size(), values.size() + 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(rows[i].get<T>(0), values.front());
      EXPECT_EQ(rows[i].get<T>(1), values[i]) << "element " << i;
      EXPECT_EQ(rows[i].get<std::optional<T>>(1), values[i]);
    }
    const Row last = rows[values.size()];
    EXPECT_EQ(last.get<std::optional<T>>(1), std::nullopt);
    EXPECT_THROW(last.get<T>(1), Broken);
  }

  template <class T>
  std::optional<T> single(const std::string& sql) {
    return *db().read([&](Tx& tx) -> Result<std::optional<T>> {
      return tx.exec_unnamed(sql).one().get<std::optional<T>>(0);
    });
  }
};

TEST_F(Values, ComeBackAsTheyWent) {
  come_back<bool>(kBool, {true, false});
  come_back<std::int32_t>(kInt, {0, -1, INT32_MIN, INT32_MAX});
  come_back<std::int64_t>(kBigint, {0, -1, INT64_MIN, INT64_MAX, 1'000'000'000'000'000});
  come_back<std::string>(kText,
                         {"", "plain", "{\"a\",b}", "NULL", "\\x00", "a\nb\t'", "€ 漢 🙂"});
  come_back<Uuid>(kUuid, {Uuid::v7(), Uuid{}});
  come_back<OrgId>(kUuid, {OrgId::make(), OrgId::make()});
  come_back<Bytes>(kBytea, {Bytes{std::string("\0\xff\x80\n", 4)}, Bytes{""}});
  come_back<Day>(kDay, {Day{std::chrono::days{0}}, Day{std::chrono::days{-40'000}},
                        Day{std::chrono::days{20'513}}, Day{std::chrono::days{11'016}}});
}

TEST_F(Values, TimesAreExactToTheMicrosecond) {
  const std::vector<std::int64_t> micros{0,
                                         1,
                                         -1,
                                         946'684'800'000'000,
                                         946'684'799'999'999,
                                         1'772'355'600'123'456,
                                         1'772'355'600'100'000,
                                         -62'135'596'800'000'000,
                                         253'402'300'799'999'999};
  std::vector<Time> times;
  for (const auto one : micros) times.push_back(from_micros(one));
  come_back<Time>(kTime, times);
  for (const auto one : micros) {
    const auto seen = db().read([&](Tx& tx) -> Result<std::int64_t> {
      return tx.exec(kMicros, from_micros(one)).one().get<std::int64_t>("micros");
    });
    EXPECT_EQ(*seen, one);
  }
}

TEST_F(Values, ATimeThatIsNoneIsBroken) {
  EXPECT_THROW(single<Time>("SELECT 'infinity'::timestamptz"), Broken);
  EXPECT_THROW(single<Time>("SELECT '0044-03-15 00:00:00+00 BC'::timestamptz"), Broken);
  EXPECT_THROW(single<Time>("SELECT '2026-03-01 00:00:00'::timestamp"), Broken);
  EXPECT_EQ(single<Time>("SELECT '2026-03-01 09:30:00.5+02'::timestamptz"),
            *parse_time("2026-03-01T07:30:00.5Z"));
}

TEST_F(Values, JsonAndCurrencyComeBack) {
  const Json json = {{"amount", 100000}, {"name", "Žofie \" \\ \n"}, {"none", nullptr}};
  auto seen =
      db().read([&](Tx& tx) -> Result<Json> { return tx.exec(kJson, json).one().get<Json>(0); });
  EXPECT_EQ(*seen, json);
  EXPECT_EQ(single<Currency>("SELECT 'eur'")->str(), "eur");
  EXPECT_THROW(single<Currency>("SELECT 'nothing'"), Broken);
  auto refused = db().read([&](Tx& tx) -> Result<void> {
    tx.exec(kJson, Json(std::string("a\0b", 3)));
    return {};
  });
  EXPECT_EQ(refused.error().code, "invalid_text");
}

TEST_F(Values, AnEmptyBatchIsABatch) {
  auto done = db().read([&](Tx& tx) -> Result<void> {
    Array<std::string> names;
    EXPECT_EQ(tx.exec(kCount, names).one().get<std::int64_t>(0), 0);
    names.add("one");
    names.add(std::optional<std::string>{});
    names.add(std::nullopt);
    names.add(std::optional<std::string>{"two"});
    EXPECT_EQ(tx.exec(kCount, names).one().get<std::int64_t>(0), 4);
    EXPECT_EQ(tx.exec(kCount, names).one().get<std::int64_t>(1), 2);
    names.clear();
    EXPECT_EQ(tx.exec(kCount, names).one().get<std::int64_t>(0), 0);
    return {};
  });
  EXPECT_TRUE(done.ok());
}

TEST_F(Values, NullsAndOptionalsBind) {
  auto done = db().read([&](Tx& tx) -> Result<void> {
    Array<std::string> one;
    one.add("x");
    for (const Rows& rows : {tx.exec(kText, nullptr, one), tx.exec(kText, std::nullopt, one),
                             tx.exec(kText, std::optional<std::string>{}, one)}) {
      EXPECT_TRUE(rows.one().is_null("text"));
    }
    const std::optional<std::string_view> given = "given";
    EXPECT_EQ(tx.exec(kText, given, one).one().get<std::string>(0), "given");
    return {};
  });
  EXPECT_TRUE(done.ok());
}

TEST_F(Values, WhatDoesNotFitIsBroken) {
  EXPECT_THROW(single<std::int32_t>("SELECT 3000000000"), Broken);
  EXPECT_THROW(single<std::int64_t>("SELECT 1.5"), Broken);
  EXPECT_THROW(single<bool>("SELECT 'yes'"), Broken);
  EXPECT_THROW(single<Uuid>("SELECT 'not a uuid'"), Broken);
  EXPECT_THROW(static_cast<void>(db().read([](Tx& tx) -> Result<int> {
                 return tx.exec_unnamed("SELECT 1 AS one").one().get<std::int32_t>("two");
               })),
               Broken);
  EXPECT_THROW(static_cast<void>(db().read([](Tx& tx) -> Result<int> {
                 return tx.exec_unnamed("SELECT 1 WHERE false").one().get<std::int32_t>(0);
               })),
               Broken);
  Array<std::int32_t> narrow;
  EXPECT_THROW(narrow.add(std::int64_t{1} << 40), Broken);
}

}  // namespace
}  // namespace payoutd::pg
