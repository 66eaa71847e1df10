#include "jobs/recurrence.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/ascii.h"
#include "jobs/cron.h"
#include "jobs/spec_words.h"

namespace payoutd::jobs {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 5> kRepeatsNames{"interval", "daily", "weekly", "monthly",
                                                        "cron"};
constexpr seconds kLongestInterval = date::days{366};
constexpr seconds kSearch = date::days{50 * 366};

Result<Recurrence> parse_interval(std::string_view text) {
  const auto number = text.empty() ? std::nullopt : small_number(text.substr(0, text.size() - 1));
  seconds unit{0};
  switch (text.empty() ? '?' : text.back()) {
    case 's': unit = seconds{1}; break;
    case 'm': unit = std::chrono::minutes{1}; break;
    case 'h': unit = std::chrono::hours{1}; break;
    case 'd': unit = date::days{1}; break;
    default: break;
  }
  const seconds every = number ? unit * *number : seconds{0};
  if (every <= seconds{0} || every > kLongestInterval) {
    return spec_error(fmt::format(
        "interval: `{}` is not a number of s, m, h or d between 1s and 366d, as in 15m", text));
  }
  return Recurrence{every};
}

// "02:00" into one minute of one hour.
std::optional<Error> set_time(Calendar& calendar, std::string_view text) {
  const auto colon = text.find(':');
  if (colon != text.npos && text.size() == colon + 3) {
    const auto hour = small_number(text.substr(0, colon));
    const auto minute = small_number(text.substr(colon + 1));
    if (hour && minute && *hour < 24 && *minute < 60 && colon <= 2) {
      calendar.hours = std::uint32_t{1} << *hour;
      calendar.minutes = std::uint64_t{1} << *minute;
      return std::nullopt;
    }
  }
  return spec_error(fmt::format("time of day: `{}` is not between 00:00 and 23:59", text));
}

template <class F>
std::optional<Error> each_item(std::string_view list, F&& take) {
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    if (auto error = take(list.substr(at, comma - at))) return error;
    at = comma + 1;
  }
  return std::nullopt;
}

std::optional<Error> set_weekdays(Calendar& calendar, std::string_view list) {
  calendar.weekdays = 0;
  return each_item(list, [&](std::string_view word) -> std::optional<Error> {
    const auto day = index_of(kWeekdayNames, word.substr(0, 3));
    constexpr std::array<std::string_view, 7> kWhole{"sunday",   "monday", "tuesday", "wednesday",
                                                     "thursday", "friday", "saturday"};
    if (!day || (word.size() > 3 && !equal_in_any_case(word, kWhole[*day]))) {
      return spec_error(
          fmt::format("weekday: `{}` is none of sun, mon, tue, wed, thu, fri, sat", word));
    }
    calendar.weekdays = static_cast<std::uint8_t>(calendar.weekdays | (1u << *day));
    return std::nullopt;
  });
}

std::optional<Error> set_days(Calendar& calendar, std::string_view list) {
  calendar.days = 0;
  calendar.clamp_days = true;
  return each_item(list, [&](std::string_view word) -> std::optional<Error> {
    const auto day = equal_in_any_case(word, "last") ? 31u : small_number(word);
    if (!day || *day < 1 || *day > 31) {
      return spec_error(fmt::format("day of month: `{}` is neither 1 to 31 nor `last`", word));
    }
    calendar.days |= 1u << *day;
    return std::nullopt;
  });
}

Result<Recurrence> parse_calendar(Repeats repeats, std::string_view spec) {
  Calendar calendar{.days = kEveryDay, .months = kEveryMonth, .weekdays = kEveryWeekday};
  const auto words = split_words(spec);
  const std::size_t expected = repeats == Repeats::daily ? 1 : 2;
  if (words.size() != expected) {
    return spec_error(fmt::format("{}: `{}` is not of the form `{}`", name_of(repeats), spec,
                                  repeats == Repeats::daily    ? "02:00"
                                  : repeats == Repeats::weekly ? "mon,thu 02:00"
                                                               : "1,15 02:00"));
  }
  if (auto error = set_time(calendar, words.back())) return *error;
  if (repeats == Repeats::weekly) {
    if (auto error = set_weekdays(calendar, words[0])) return *error;
  }
  if (repeats == Repeats::monthly) {
    if (auto error = set_days(calendar, words[0])) return *error;
  }
  return Recurrence{calendar};
}

date::local_seconds local(date::sys_seconds instant, seconds offset) {
  return date::local_seconds{instant.time_since_epoch() + offset};
}

date::sys_seconds instant(date::local_seconds local, seconds offset) {
  return date::sys_seconds{local.time_since_epoch() - offset};
}

// Walks the periods of one offset, so that the calendar is asked only about times that the zone's
// clocks really show, and gaps and overlaps are what happens between two periods.
std::optional<date::sys_seconds> next_match(const Calendar& calendar, const TimeZone& zone,
                                            date::sys_seconds from) {
  const auto give_up = from + kSearch;
  while (from < give_up) {
    const OffsetPeriod period = offset_at(zone, from);
    const auto end = std::min(period.end, give_up);
    auto search_from = local(from, period.offset);
    if (!calendar.every_hour() && period.begin > date::sys_seconds{}) {
      const auto before = offset_at(zone, period.begin - seconds{1}).offset;
      const auto clock_stopped_at = local(period.begin, before);
      const auto skipped_until = local(period.begin, period.offset);
      if (from == period.begin && calendar.next(clock_stopped_at, skipped_until)) return from;
      search_from = std::max(search_from, clock_stopped_at);  // earlier ones were shown before
    }
    if (const auto hit = calendar.next(search_from, local(end, period.offset))) {
      return instant(*hit, period.offset);
    }
    from = end;
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Repeats repeats) {
  return kRepeatsNames[static_cast<std::size_t>(repeats)];
}

Result<Repeats> parse_repeats(std::string_view text) {
  const auto at = index_of(kRepeatsNames, text);
  if (at) return static_cast<Repeats>(*at);
  return Error{Kind::unprocessable, "schedule_invalid",
               fmt::format("`{}` is none of interval, daily, weekly, monthly, cron", text), "kind"};
}

Result<Recurrence> parse_recurrence(Repeats repeats, std::string_view spec) {
  switch (repeats) {
    case Repeats::interval: return parse_interval(trim(spec));
    case Repeats::daily:
    case Repeats::weekly:
    case Repeats::monthly: return parse_calendar(repeats, spec);
    case Repeats::cron: break;
  }
  const auto calendar = parse_cron(spec);
  if (!calendar) return calendar.error();
  return Recurrence{*calendar};
}

Result<Time> next_fire(const Recurrence& recurrence, const TimeZone& zone, Time after) {
  const auto second = std::chrono::floor<seconds>(after);
  if (const auto* every = std::get_if<seconds>(&recurrence)) {
    const auto since_epoch = second.time_since_epoch();
    return Time{(since_epoch / *every + 1) * *every};
  }
  const auto& calendar = std::get<Calendar>(recurrence);
  if (const auto found = next_match(calendar, zone, second + seconds{1})) return Time{*found};
  return Error{Kind::unprocessable, "schedule_exhausted", "it does not happen again in 50 years",
               "spec"};
}

}  // namespace payoutd::jobs
