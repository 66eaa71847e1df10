#include "jobs/cron.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <span>
#include <string>

#include "base/ascii.h"
#include "jobs/spec_words.h"

namespace payoutd::jobs {
namespace {

struct Field {
  std::string_view name;
  unsigned low;
  unsigned high;
  std::span<const std::string_view> names;  // the first one means first_name
  unsigned first_name;
  std::string_view allowed;
};

constexpr Field kMinute{"minute", 0, 59, {}, 0, "0-59"};
constexpr Field kHour{"hour", 0, 23, {}, 0, "0-23"};
constexpr Field kDay{"day of month", 1, 31, {}, 0, "1-31"};
constexpr Field kMonth{"month", 1, 12, kMonthNames, 1, "1-12 or jan-dec"};
constexpr Field kWeekday{"weekday", 0, 7, kWeekdayNames, 0, "0-7 or sun-sat (0 and 7 are Sunday)"};

struct Macro {
  std::string_view name;
  std::string_view means;
};
constexpr Macro kMacros[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

constexpr std::size_t kMaxLength = 400;

Error wrong(const Field& field, std::string_view item, std::string_view why) {
  return spec_error(fmt::format("{}: `{}` {}; allowed are {}, lists, ranges and steps", field.name,
                                item, why, field.allowed));
}

std::optional<unsigned> value_of(const Field& field, std::string_view text) {
  if (const auto number = small_number(text)) return number;
  const auto at = index_of(field.names, text);
  if (!at) return std::nullopt;
  return *at + field.first_name;
}

struct Range {
  unsigned low;
  unsigned high;
};

// "*", "5", "10-40", "fri-sun". `open` widens a single value to the field's end, as in "5/20".
Result<Range> parse_range(const Field& field, std::string_view item, std::string_view text,
                          bool open) {
  if (text == "*") return Range{field.low, field.high == 7 ? 6 : field.high};
  const auto dash = text.find('-');
  const auto low = value_of(field, text.substr(0, dash));
  if (!low) return wrong(field, item, "is not a value of this field");
  auto high = low;
  if (dash != text.npos) {
    high = value_of(field, text.substr(dash + 1));
    if (!high) return wrong(field, item, "is not a range of this field");
    // A range may end on Sunday, the seventh day: fri-sun.
    if (&field == &kWeekday && *high == 0 && *low > 0) high = 7;
  } else if (open) {
    high = field.high == 7 ? 6 : field.high;
  }
  if (*low < field.low || *high > field.high) return wrong(field, item, "is out of range");
  if (*low > *high) return wrong(field, item, "runs backwards");
  return Range{*low, *high};
}

Result<std::uint64_t> parse_item(const Field& field, std::string_view item) {
  const auto slash = item.find('/');
  const auto range = parse_range(field, item, item.substr(0, slash), slash != item.npos);
  if (!range) return range.error();
  unsigned step = 1;
  if (slash != item.npos) {
    const auto given = small_number(item.substr(slash + 1));
    if (!given || *given == 0) return wrong(field, item, "has a step that is not a number above 0");
    if (*given > field.high) return wrong(field, item, "has a step longer than the field");
    step = *given;
  }
  std::uint64_t bits = 0;
  for (unsigned value = range->low; value <= range->high; value += step) {
    bits |= std::uint64_t{1} << (&field == &kWeekday ? value % 7 : value);
  }
  return bits;
}

Result<std::uint64_t> parse_field(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const auto item = text.substr(at, comma - at);
    if (item.empty()) return wrong(field, text, "has an empty place in its list");
    const auto more = parse_item(field, item);
    if (!more) return more.error();
    bits |= *more;
    at = comma + 1;
  }
  return bits;
}

Result<std::string_view> without_macro(std::string_view text) {
  if (!text.starts_with('@')) return text;
  for (const Macro& macro : kMacros) {
    if (equal_in_any_case(text, macro.name)) return macro.means;
  }
  return spec_error(fmt::format(
      "`{}` is not known; allowed are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and "
      "@annually",
      text));
}

}  // namespace

Result<Calendar> parse_cron(std::string_view text) {
  if (text.size() > kMaxLength) {
    return spec_error(fmt::format("a cron expression has at most {} characters", kMaxLength));
  }
  const auto plain = without_macro(trim(text));
  if (!plain) return plain.error();
  const auto words = split_words(*plain);
  if (words.size() != 5) {
    return spec_error(fmt::format(
        "a cron expression has five fields (minute, hour, day of month, month, weekday); `{}` has "
        "{}",
        text, words.size()));
  }
  constexpr std::array<const Field*, 5> kFields{&kMinute, &kHour, &kDay, &kMonth, &kWeekday};
  std::array<std::uint64_t, 5> bits{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto parsed = parse_field(*kFields[i], words[i]);
    if (!parsed) return parsed.error();
    bits[i] = *parsed;
  }
  const Calendar calendar{
      .minutes = bits[0],
      .hours = static_cast<std::uint32_t>(bits[1]),
      .days = static_cast<std::uint32_t>(bits[2]),
      .months = static_cast<std::uint16_t>(bits[3]),
      .weekdays = static_cast<std::uint8_t>(bits[4]),
      .either_day = !words[2].starts_with('*') && !words[4].starts_with('*'),
  };
  if (!calendar.possible()) {
    return spec_error(fmt::format("`{}` never matches: no such day exists in these months", text));
  }
  return calendar;
}

}  // namespace payoutd::jobs
