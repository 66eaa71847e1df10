// The words that schedules are written in: weekdays, months, small numbers.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace payoutd::jobs {

inline constexpr std::array<std::string_view, 12> kMonthNames{
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
inline constexpr std::array<std::string_view, 7> kWeekdayNames{"sun", "mon", "tue", "wed",
                                                               "thu", "fri", "sat"};

// Unprocessable `schedule_invalid` on the field `spec`.
Error spec_error(std::string message);

// One to four digits and nothing else.
std::optional<unsigned> small_number(std::string_view text);

// Where the word stands among the names; ASCII letters in any case.
std::optional<unsigned> index_of(std::span<const std::string_view> names, std::string_view word);

std::string_view trim(std::string_view text);
// Split at spaces and tabs, without empty words.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace payoutd::jobs
