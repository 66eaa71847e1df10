#include "base/time.h"

#include <date/date.h>
#include <fmt/format.h>

#include <charconv>
#include <sstream>

namespace payoutd {
namespace {

constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

Error bad_date(std::string_view text) {
  return Error{Kind::invalid, "invalid_date",
               fmt::format("\"{}\" is not a date: give ISO 8601 (2026-03-01 or "
                           "2026-03-01T09:30:00Z) or unix seconds",
                           text.substr(0, 64))};
}

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class T>
bool parse_as(const std::string& text, const char* format, T& into) {
  std::istringstream in(text);
  in >> date::parse(format, into);
  return !in.fail() && in.peek() == std::istringstream::traits_type::eof();
}

bool in_range(std::int64_t seconds) { return seconds >= 0 && seconds <= kLastSecond; }

}  // namespace

std::string to_iso(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day ymd{day};
  const std::chrono::hh_mm_ss clock{seconds - day};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  const auto fraction = (time - seconds).count();
  if (fraction != 0) {
    text += fmt::format(".{:06}", fraction);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

Result<Time> parse_time(std::string_view given, DayEdge edge) {
  if (given.size() > 40) return bad_date(given);
  if (digits(given) && given.size() <= 12) {
    std::int64_t seconds = 0;
    std::from_chars(given.data(), given.data() + given.size(), seconds);
    if (!in_range(seconds)) return bad_date(given);
    return from_unix(seconds);
  }
  std::string text(given);
  date::sys_time<std::chrono::microseconds> point;
  date::sys_days day;
  if (text.size() == 10) {
    if (!parse_as(text, "%F", day)) return bad_date(given);
    point = day;
    if (edge == DayEdge::last) point += std::chrono::days{1} - std::chrono::microseconds{1};
  } else {
    if (text.size() < 16 || text[10] != 'T') return bad_date(given);
    if (text.back() == 'Z' || text.back() == 'z') {
      text.pop_back();
    } else if (const auto sign = text.find_first_of("+-", 11); sign != std::string::npos) {
      if (text.size() != sign + 6 || text[sign + 3] != ':') return bad_date(given);
      date::sys_time<std::chrono::microseconds> offset_point;
      if (!parse_as(text, "%FT%T%Ez", offset_point) && !parse_as(text, "%FT%R%Ez", offset_point)) {
        return bad_date(given);
      }
      const auto micros = offset_point.time_since_epoch().count();
      if (!in_range(to_unix(from_micros(micros)))) return bad_date(given);
      return from_micros(micros);
    }
    if (!parse_as(text, "%FT%T", point) && !parse_as(text, "%FT%R", point)) return bad_date(given);
  }
  const Time time = from_micros(point.time_since_epoch().count());
  if (!in_range(to_unix(time))) return bad_date(given);
  return time;
}

}  // namespace payoutd
