#include "jobs/spec_words.h"

#include <algorithm>

#include "base/ascii.h"

namespace payoutd::jobs {
namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

Error spec_error(std::string message) {
  return {Kind::unprocessable, "schedule_invalid", std::move(message), "spec"};
}

std::optional<unsigned> small_number(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

std::optional<unsigned> index_of(std::span<const std::string_view> names, std::string_view word) {
  for (unsigned i = 0; i < names.size(); ++i) {
    if (equal_in_any_case(names[i], word)) return i;
  }
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(kBlanks); at != text.npos;) {
    const auto end = std::min(text.find_first_of(kBlanks, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

}  // namespace payoutd::jobs
