#include "access/page.h"

#include <charconv>

namespace payoutd::access {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The number of query parameter `name`, nothing when it is absent or wrong; wrong adds to `errors`.
std::optional<std::int64_t> number_of(const http::Request& request, const char* name,
                                      std::pair<std::int64_t, std::int64_t> range,
                                      std::vector<FieldError>& errors) {
  const auto text = request.query_value(name);
  if (!text) return std::nullopt;
  const auto number = whole_number(*text);
  if (number && *number >= range.first && *number <= range.second) return number;
  errors.push_back({name, "out_of_range",
                    fmt::format("{} is a whole number from {} to {}", name, range.first,
                                range.second)});
  return std::nullopt;
}

bool asks_for_total(const http::Request& request) {
  for (const auto& [name, value] : request.query) {
    if ((name == "include" || name == "include[]") && value == "total") return true;
  }
  return false;
}

}  // namespace

Result<Page> page_of(const http::Request& request) {
  std::vector<FieldError> errors;
  Page page;
  page.limit = number_of(request, "limit", {1, 100}, errors).value_or(page.limit);
  const auto offset = number_of(request, "offset", {0, kMaxOffset}, errors);
  const auto number = number_of(request, "page", {1, kMaxOffset / 100}, errors);
  const auto cursor = request.query_value("cursor");
  if ((offset ? 1 : 0) + (number ? 1 : 0) + (cursor ? 1 : 0) > 1) {
    errors.push_back({"cursor", "ambiguous", "give one of cursor, offset and page"});
  }
  if (!errors.empty()) {
    const FieldError first = errors.front();
    return Error{Kind::invalid, "invalid_query", first.message, first.param, std::move(errors)};
  }
  if (offset) page.offset = *offset;
  if (number) page.offset = (*number - 1) * page.limit;
  if (cursor) page.cursor = std::string(*cursor);
  page.with_total = asks_for_total(request);
  return page;
}

Error invalid_cursor() {
  return {Kind::invalid, "invalid_cursor", "this cursor is not a next_cursor of this list",
          "cursor"};
}

Json page_parameters() {
  const auto number = [](const char* name, const char* about, std::int64_t least) {
    return Json{{"name", name}, {"in", "query"}, {"description", about},
                {"schema", {{"type", "integer"}, {"minimum", least}}}};
  };
  Json limit = number("limit", "Rows to a page.", 1);
  limit["schema"]["maximum"] = 100;
  limit["schema"]["default"] = 20;
  return Json::array(
      {limit,
       {{"name", "cursor"}, {"in", "query"}, {"description", "`next_cursor` of the page before."},
        {"schema", {{"type", "string"}}}},
       number("offset", "Rows to skip, in place of `cursor`.", 0),
       number("page", "The page's number, in place of `cursor`.", 1),
       {{"name", "include"}, {"in", "query"}, {"description", "`total` counts all rows."},
        {"schema", {{"type", "string"}, {"enum", {"total"}}}}}});
}

}  // namespace payoutd::access
