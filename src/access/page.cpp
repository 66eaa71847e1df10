#include "access/page.h"

#include "http/params.h"
#include "http/schema.h"

namespace payoutd::access {

Result<Page> page_of(const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const http::Paging paging = fields.paging();
  if (auto error = fields.done()) return *error;
  return Page{paging.limit, paging.offset, paging.cursor, paging.with_total};
}

Error invalid_cursor() {
  return {Kind::invalid, "invalid_cursor", "this cursor is not a next_cursor of this list",
          "cursor"};
}

Json page_parameters() {
  const auto number = [](std::int64_t least) {
    return Json{{"type", "integer"}, {"minimum", least}};
  };
  Json limit = number(1);
  limit["maximum"] = 100;
  limit["default"] = 20;
  Json parameters = Json::array({http::schema::query("limit", "Rows to a page.", limit)});
  http::schema::add_query(parameters, {"cursor", "starting_after"},
                          "`next_cursor` of the page before.");
  parameters.push_back(
      http::schema::query("offset", "Rows to skip, in place of `cursor`.", number(0)));
  parameters.push_back(
      http::schema::query("page", "The page's number, in place of `cursor`.", number(1)));
  parameters.push_back(http::schema::query("include", "`total` counts all rows.",
                                           {{"type", "string"}, {"enum", {"total"}}}));
  return parameters;
}

}  // namespace payoutd::access
