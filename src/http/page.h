// One page of a list: how a caller asks for it, where it ends, and how it is answered.
//
// `limit` (1 to 100, default 20) with `cursor`, or with `offset`, or with `page`, which counts from
// 1; `include=total` counts all. A list is ordered by a time and an id.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "http/message.h"

namespace payoutd::http {

// Where a page ended, as an opaque text that is safe in a URL.
struct Cursor {
  Time time{};
  std::string id;  // letters, digits, '_', '-', '.'
  friend bool operator==(const Cursor&, const Cursor&) = default;

  std::string text() const;
  static std::optional<Cursor> parse(std::string_view text);
};

struct Page {
  std::int64_t limit = 20;
  std::int64_t offset = 0;
  std::optional<std::string> cursor{};  // `next_cursor` of the page before
  bool with_total = false;

  // What the cursor says; nothing on the first page. Error: 400 `invalid_cursor`.
  Result<std::optional<Cursor>> after() const;
};

template <class T>
struct PageOf {
  std::vector<T> data;
  bool has_more = false;
  std::optional<std::string> next_cursor{};
  std::optional<std::int64_t> total{};
};

// `rows` were read up to page.limit + 1: one more than the page holds says that there are more.
// `cursor_of(row)` gives the Cursor of the page's last row.
template <class T, class CursorOf>
PageOf<T> cut(std::vector<T> rows, const Page& page, CursorOf&& cursor_of) {
  PageOf<T> cut{.data = std::move(rows)};
  cut.has_more = std::ssize(cut.data) > page.limit;
  if (cut.has_more) {
    cut.data.pop_back();
    cut.next_cursor = cursor_of(cut.data.back()).text();
  }
  return cut;
}

// Of a list that has no other parameters. Error: 400, every wrong parameter in its details; more
// than one of cursor, offset and page is wrong too.
Result<Page> page_of(const Request& request);

Error invalid_cursor();  // 400 `invalid_cursor`

// {"data": [...], "has_more", "next_cursor"}, with `total` where it was asked for.
template <class T, class ToJson>
OrderedJson to_json(const PageOf<T>& page, ToJson&& row_to_json) {
  OrderedJson rows = OrderedJson::array();
  for (const T& row : page.data) rows.push_back(row_to_json(row));
  OrderedJson answer{{"data", std::move(rows)}, {"has_more", page.has_more}};
  answer["next_cursor"] = or_null(page.next_cursor);
  if (page.total) answer["total"] = *page.total;
  return answer;
}

// The parameters above as OpenAPI Parameter Objects.
Json page_parameters();

}  // namespace payoutd::http
