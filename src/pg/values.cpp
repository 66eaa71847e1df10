#include "pg/values.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "pg/errors.h"

namespace payoutd::pg {
namespace {

// PostgreSQL counts from 2000-01-01.
constexpr Day kEpoch{std::chrono::year{2000} / 1 / 1};
constexpr std::size_t kLargestValue = 1'000'000'000;  // below its MaxAllocSize of 1 GiB

template <class T>
bool whole_from(std::string_view text, T& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

// Takes digits up to `stop` off the front of `text`, and `stop` with them.
bool take(std::string_view& text, char stop, int& into) {
  const auto end = text.find(stop);
  if (end == std::string_view::npos || end == 0 || end > 6) return false;
  if (!whole_from(text.substr(0, end), into)) return false;
  text.remove_prefix(end + 1);
  return true;
}

// "2026-03-01" and a stop behind it.
bool take_day(std::string_view& text, char stop, Day& into) {
  int year = 0, month = 0, day = 0;
  if (!take(text, '-', year) || !take(text, '-', month) || !take(text, stop, day)) return false;
  const std::chrono::year_month_day ymd{std::chrono::year{year},
                                        std::chrono::month{static_cast<unsigned>(month)},
                                        std::chrono::day{static_cast<unsigned>(day)}};
  if (!ymd.ok()) return false;
  into = ymd;
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

namespace detail {

std::string checked_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw SqlError("a text holds a NUL character, which PostgreSQL can't store", "22021");
  }
  return std::string(text);
}

std::string day_text(Day day) {
  const std::chrono::year_month_day ymd{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
}

void put_count(std::string& into, std::int32_t value) {
  const std::uint32_t wire = __builtin_bswap32(static_cast<std::uint32_t>(value));
  into.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

void put_whole(std::string& into, std::int64_t value) {
  const std::uint64_t wire = __builtin_bswap64(static_cast<std::uint64_t>(value));
  into.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

void Wire<std::string>::put(std::string& into, std::string_view v) {
  CHECK(v.size() < kLargestValue);
  put_count(into, static_cast<std::int32_t>(v.size()));
  into.append(v);
}

void Wire<Bytes>::put(std::string& into, const Bytes& v) { Wire<std::string>::put(into, v.value); }

void Wire<Uuid>::put(std::string& into, const Uuid& v) {
  put_count(into, static_cast<std::int32_t>(v.bytes.size()));
  into.append(reinterpret_cast<const char*>(v.bytes.data()), v.bytes.size());
}

void Wire<Time>::put(std::string& into, Time v) {
  put_count(into, 8);
  put_whole(into, (v - Time{kEpoch}).count());
}

void Wire<Day>::put(std::string& into, Day v) {
  put_count(into, 4);
  put_count(into, static_cast<std::int32_t>((v - kEpoch).count()));
}

pqxx::binarystring bind_array(std::int32_t type, std::size_t count, bool has_null,
                              const std::string& elements) {
  CHECK(elements.size() < kLargestValue && count < kLargestValue);
  std::string bytes;
  bytes.reserve(20 + elements.size());
  put_count(bytes, count == 0 ? 0 : 1);  // dimensions
  put_count(bytes, has_null ? 1 : 0);
  put_count(bytes, type);
  if (count != 0) {
    put_count(bytes, static_cast<std::int32_t>(count));
    put_count(bytes, 1);  // the first index
  }
  bytes += elements;
  return pqxx::binarystring(bytes);
}

bool from_text(std::string_view text, bool& into) {
  into = text == "t";
  return into || text == "f";
}

bool from_text(std::string_view text, std::int32_t& into) { return whole_from(text, into); }
bool from_text(std::string_view text, std::int64_t& into) { return whole_from(text, into); }

bool from_text(std::string_view text, std::string& into) {
  into = text;
  return true;
}

bool from_text(std::string_view text, Bytes& into) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  text.remove_prefix(2);
  into.value.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    into.value.push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

bool from_text(std::string_view text, Uuid& into) {
  const auto uuid = Uuid::parse(text);
  if (uuid) into = *uuid;
  return uuid.has_value();
}

// "2026-03-01 09:30:00.123456+00": the session speaks ISO and UTC.
bool from_text(std::string_view text, Time& into) {
  Day day;
  int hour = 0, minute = 0, second = 0, micros = 0;
  if (!text.ends_with("+00")) return false;
  if (!take_day(text, ' ', day) || !take(text, ':', hour) || !take(text, ':', minute)) return false;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) {
    if (!take(text, '+', second)) return false;
  } else {
    if (!take(text, '.', second)) return false;
    const auto places = text.find('+');
    if (!take(text, '+', micros)) return false;
    for (auto i = places; i < 6; ++i) micros *= 10;
  }
  into = Time{day} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::microseconds{micros};
  return text == "00";
}

bool from_text(std::string_view text, Day& into) {
  std::string with_stop(text);
  with_stop += ' ';
  std::string_view rest = with_stop;
  return take_day(rest, ' ', into) && rest.empty();
}

bool from_text(std::string_view text, Json& into) {
  into = Json::parse(text, nullptr, false);
  return !into.is_discarded();
}

bool from_text(std::string_view text, OrderedJson& into) {
  into = OrderedJson::parse(text, nullptr, false);
  return !into.is_discarded();
}

bool from_text(std::string_view text, Currency& into) {
  const auto currency = Currency::shown(text);  // Stripe may have added it
  if (currency) into = *currency;
  return currency.has_value();
}

void bad_column(const pqxx::field& field, const char* why) {
  throw Broken(fmt::format("column {} {}", field.name(), why));
}

}  // namespace detail

pqxx::field Row::field(const char* column) const {
  try {
    return row_[column];
  } catch (const pqxx::argument_error&) {
    throw Broken(fmt::format("the answer has no column {}", column));
  }
}

pqxx::field Row::field(int column) const {
  CHECK(column >= 0 && static_cast<pqxx::row::size_type>(column) < row_.size());
  return row_[column];
}

Row Rows::operator[](std::size_t i) const {
  CHECK(i < size());
  return Row(result_[static_cast<pqxx::result::size_type>(i)]);
}

Row Rows::one() const {
  CHECK(size() == 1);
  return (*this)[0];
}

std::optional<Row> Rows::maybe() const {
  CHECK(size() <= 1);
  if (empty()) return std::nullopt;
  return (*this)[0];
}

}  // namespace payoutd::pg
