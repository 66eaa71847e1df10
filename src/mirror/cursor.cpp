#include "mirror/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace payoutd::mirror {

namespace {

constexpr std::int64_t kLastMicro = 253'402'300'799'999'999;  // the last of year 9999

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string Cursor::text() const { return fmt::format("{:x}~{}", to_micros(created), id); }

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

}  // namespace payoutd::mirror
