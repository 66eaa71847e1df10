#include "http/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/params.h"
#include "http/schema.h"

namespace payoutd::http {

namespace {

constexpr std::int64_t kLastMicro = 253'402'300'799'999'999;  // the last of year 9999

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string Cursor::text() const { return fmt::format("{:x}~{}", to_micros(time), id); }

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const auto split = text.find('~');
  if (split == std::string_view::npos || text.size() > 600) return std::nullopt;
  std::int64_t micros = 0;
  const char* end = text.data() + split;
  const auto read = std::from_chars(text.data(), end, micros, 16);
  if (read.ec != std::errc{} || read.ptr != end || micros < 0 || micros > kLastMicro) {
    return std::nullopt;
  }
  const std::string_view id = text.substr(split + 1);
  if (id.empty() || !std::all_of(id.begin(), id.end(), is_plain)) return std::nullopt;
  return Cursor{from_micros(micros), std::string(id)};
}

Result<std::optional<Cursor>> Page::after() const {
  if (!cursor) return std::optional<Cursor>{};
  auto parsed = Cursor::parse(*cursor);
  if (!parsed) return invalid_cursor();
  return parsed;
}

Result<Page> page_of(const Request& request) {
  auto fields = Fields::of_query(request);
  const Page page = fields.page();
  if (auto error = fields.done()) return *error;
  return page;
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
  Json parameters = Json::array({schema::query("limit", "Rows to a page.", limit)});
  schema::add_query(parameters, {"cursor", "starting_after"}, "`next_cursor` of the page before.");
  parameters.push_back(schema::query("offset", "Rows to skip, in place of `cursor`.", number(0)));
  parameters.push_back(
      schema::query("page", "The page's number, in place of `cursor`.", number(1)));
  parameters.push_back(schema::query("include", "`total` counts all rows.",
                                     {{"type", "string"}, {"enum", {"total"}}}));
  return parameters;
}

}  // namespace payoutd::http
