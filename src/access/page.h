// One page of a list as a caller asks for it: `limit` (1 to 100, default 20) with `cursor`, or with
// `offset`, or with `page`; `include=total` counts all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/message.h"

namespace payoutd::access {

struct Page {
  std::int64_t limit = 20;
  std::int64_t offset = 0;
  std::optional<std::string> cursor{};  // opaque to callers: `next_cursor` of the page before
  bool with_total = false;
};

template <class T>
struct PageOf {
  std::vector<T> data;
  bool has_more = false;
  std::optional<std::string> next_cursor{};
  std::optional<std::int64_t> total{};
};

// Of a list that has no other parameters. Error: 400, every wrong parameter in its details; more
// than one of cursor, offset and page is wrong too.
Result<Page> page_of(const http::Request& request);

Error invalid_cursor();  // 400 `invalid_cursor`

// {"data": [...], "has_more", "next_cursor"}, with `total` where it was asked for.
template <class T, class ToJson>
OrderedJson to_json(const PageOf<T>& page, ToJson&& row_to_json) {
  OrderedJson rows = OrderedJson::array();
  for (const T& row : page.data) rows.push_back(row_to_json(row));
  OrderedJson answer{{"data", std::move(rows)}, {"has_more", page.has_more}};
  answer["next_cursor"] = page.next_cursor ? OrderedJson(*page.next_cursor) : OrderedJson(nullptr);
  if (page.total) answer["total"] = *page.total;
  return answer;
}

// The parameters above as OpenAPI Parameter Objects.
Json page_parameters();

}  // namespace payoutd::access
