#include "http/page.h"

#include <gtest/gtest.h>

namespace payoutd::http {
namespace {

TEST(Cursors, ReadWhatTheyWroteAndNothingElse) {
  const Cursor cursor{from_micros(1'767'225'600'000'001), "txn_1.acct_2"};
  EXPECT_EQ(Cursor::parse(cursor.text()), cursor);
  for (const char* bad : {"", "~", "12", "~a", "zz~a", "-1~a", "12~", "12~a b", "12~a'b",
                          "7fffffffffffffff~a", "12 ~a"}) {
    EXPECT_FALSE(Cursor::parse(bad)) << bad;
  }
}

TEST(PageAsJson, SaysWhetherThereIsMore) {
  const auto as_it_is = [](int row) { return OrderedJson(row); };
  const PageOf<int> more{.data = {1}, .has_more = true, .next_cursor = "c", .total = 7};
  EXPECT_EQ(dump(to_json(more, as_it_is)),
            R"({"data":[1],"has_more":true,"next_cursor":"c","total":7})");
  EXPECT_EQ(dump(to_json(PageOf<int>{}, as_it_is)),
            R"({"data":[],"has_more":false,"next_cursor":null})");
}

TEST(PageCut, KeepsTheLimitAndSaysWhereItEnded) {
  const auto at = [](int row) { return Cursor{from_micros(row), "r"}; };
  const auto whole = cut(std::vector{1, 2}, Page{.limit = 2}, at);
  EXPECT_FALSE(whole.has_more);
  const auto more = cut(std::vector{1, 2, 3}, Page{.limit = 2}, at);
  EXPECT_EQ(more.data, (std::vector{1, 2}));
  EXPECT_EQ(more.next_cursor, at(2).text());
}

}  // namespace
}  // namespace payoutd::http
