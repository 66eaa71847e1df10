// C++ values as parameters and columns. Arrays travel in PostgreSQL's binary form, bound as
// $1::text[], $2::bigint[] …, which is what makes batches by UNNEST fast.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/currency.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"

namespace payoutd::pg {

// A bytea: a parameter, an element of an Array or a column.
struct Bytes {
  std::string value;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

using Day = std::chrono::sys_days;  // a date column

// A parameter in PostgreSQL's text form, or NULL.
struct Param {
  std::optional<std::string> text;
};

namespace detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsId = false;
template <class Tag>
inline constexpr bool kIsId<Id<Tag>> = true;

template <class T>
concept Whole = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

// Throws SqlError 22021 for a NUL byte, where a C string would end in silence.
std::string checked_text(std::string_view text);
std::string day_text(Day day);

void put_count(std::string& into, std::int32_t value);  // four bytes in network order
void put_whole(std::string& into, std::int64_t value);  // eight bytes in network order

// How T stands in a binary array: its type's number in PostgreSQL, and its bytes.
template <class T>
struct Wire;
template <>
struct Wire<bool> {
  static constexpr std::int32_t kType = 16;
  static void put(std::string& into, bool v) { put_count(into, 1), into.push_back(v ? 1 : 0); }
};
template <>
struct Wire<std::int32_t> {
  static constexpr std::int32_t kType = 23;
  static void put(std::string& into, std::int32_t v) { put_count(into, 4), put_count(into, v); }
};
template <>
struct Wire<std::int64_t> {
  static constexpr std::int32_t kType = 20;
  static void put(std::string& into, std::int64_t v) { put_count(into, 8), put_whole(into, v); }
};
template <>
struct Wire<std::string> {
  static constexpr std::int32_t kType = 25;
  static void put(std::string& into, std::string_view v);
};
template <>
struct Wire<Bytes> {
  static constexpr std::int32_t kType = 17;
  static void put(std::string& into, const Bytes& v);
};
template <>
struct Wire<Uuid> {
  static constexpr std::int32_t kType = 2950;
  static void put(std::string& into, const Uuid& v);
};
template <class Tag>
struct Wire<Id<Tag>> {
  static constexpr std::int32_t kType = Wire<Uuid>::kType;
  static void put(std::string& into, const Id<Tag>& v) { Wire<Uuid>::put(into, v.value); }
};
template <>
struct Wire<Time> {
  static constexpr std::int32_t kType = 1184;
  static void put(std::string& into, Time v);
};
template <>
struct Wire<Day> {
  static constexpr std::int32_t kType = 1082;
  static void put(std::string& into, Day v);
};

pqxx::binarystring bind_array(std::int32_t type, std::size_t count, bool has_null,
                              const std::string& elements);

}  // namespace detail

// A column of a batch. Appends in row order; `null()` appends NULL.
// T: bool, std::int32_t, std::int64_t, std::string, Uuid (or an Id), Time; also Day and Bytes.
// Text with a NUL byte goes out as it is, and PostgreSQL refuses the statement: SqlError 22021.
template <class T>
class Array {
 public:
  void reserve(std::size_t rows) { bytes_.reserve(rows * (sizeof(T) + 4)); }

  // A T, what converts to a T without loss, std::optional of those, or std::nullopt.
  template <class U>
  void add(const U& value) {
    if constexpr (std::is_same_v<U, std::nullopt_t> || std::is_same_v<U, std::nullptr_t>) {
      null();
    } else if constexpr (detail::kIsOptional<U>) {
      if (value) add(*value);
      else null();
    } else if constexpr (detail::Whole<T>) {
      static_assert(detail::Whole<U>, "an array of whole numbers takes whole numbers");
      CHECK(std::in_range<T>(value));
      append(static_cast<T>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      static_assert(std::is_same_v<U, bool>, "an array of bool takes bool");
      append(value);
    } else {
      append(value);
    }
  }
  void null() {
    detail::put_count(bytes_, -1);
    has_null_ = true;
    ++count_;
  }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  void clear() {
    bytes_.clear();
    count_ = 0;
    has_null_ = false;
  }
  // CHECKs that all stays below the gigabyte that PostgreSQL takes in one value.
  pqxx::binarystring bind() const {
    return detail::bind_array(detail::Wire<T>::kType, count_, has_null_, bytes_);
  }

 private:
  template <class U>
  void append(const U& value) {
    detail::Wire<T>::put(bytes_, value);
    ++count_;
  }

  std::string bytes_;  // the elements, each with its length, in network order
  std::size_t count_ = 0;
  bool has_null_ = false;
};

namespace detail {

// What pqxx binds for a value: binary for arrays and bytes, text for all else.
template <class T>
pqxx::binarystring to_param(const Array<T>& value) {
  return value.bind();
}
inline pqxx::binarystring to_param(const Bytes& value) { return pqxx::binarystring(value.value); }
inline Param to_param(std::nullptr_t) { return {}; }
inline Param to_param(std::nullopt_t) { return {}; }
inline Param to_param(std::string_view value) { return {checked_text(value)}; }
inline Param to_param(const std::string& value) { return {checked_text(value)}; }
inline Param to_param(const char* value) { return {std::string(value)}; }
inline Param to_param(bool value) { return {value ? "t" : "f"}; }
template <Whole T>
Param to_param(T value) {
  return {std::to_string(value)};
}
inline Param to_param(const Uuid& value) { return {value.str()}; }
template <class Tag>
Param to_param(const Id<Tag>& value) {
  return {value.str()};
}
inline Param to_param(Time value) { return {to_iso(value)}; }
inline Param to_param(Day value) { return {day_text(value)}; }
inline Param to_param(const Json& value) { return {dump(value)}; }
inline Param to_param(const OrderedJson& value) { return {dump(value)}; }
inline Param to_param(const Currency& value) { return {value.str()}; }
template <class T>
Param to_param(const std::optional<T>& value) {
  static_assert(!std::is_same_v<T, Bytes>, "bind a Bytes, or nullptr");
  if (!value) return {};
  return to_param(*value);
}

// A column's text as a T; false where it does not fit.
bool from_text(std::string_view text, bool& into);
bool from_text(std::string_view text, std::int32_t& into);
bool from_text(std::string_view text, std::int64_t& into);
bool from_text(std::string_view text, std::string& into);
bool from_text(std::string_view text, Bytes& into);
bool from_text(std::string_view text, Uuid& into);
bool from_text(std::string_view text, Time& into);
bool from_text(std::string_view text, Day& into);
bool from_text(std::string_view text, Json& into);
bool from_text(std::string_view text, OrderedJson& into);
bool from_text(std::string_view text, Currency& into);
template <class Tag>
bool from_text(std::string_view text, Id<Tag>& into) {
  return from_text(text, into.value);
}

[[noreturn]] void bad_column(const pqxx::field& field, const char* why);

template <class T>
T read(const pqxx::field& field) {
  if constexpr (kIsOptional<T>) {
    if (field.is_null()) return std::nullopt;
    return read<typename T::value_type>(field);
  } else {
    if (field.is_null()) bad_column(field, "is NULL");
    T value{};
    if (!from_text({field.c_str(), field.size()}, value)) bad_column(field, "does not fit");
    return value;
  }
}

}  // namespace detail

// One row of an answer. `get<T>("name")` or by position; T as above, std::optional<T> for what may
// be NULL, Json for jsonb. NULL into a plain T, or text that does not fit T, is Broken; so is a
// column that the answer doesn't have, and a time that is infinite or before year 1.
class Row {
 public:
  explicit Row(pqxx::row row) : row_(std::move(row)) {}
  template <class T>
  T get(const char* column) const {
    return detail::read<T>(field(column));
  }
  template <class T>
  T get(int column) const {
    return detail::read<T>(field(column));
  }
  bool is_null(const char* column) const { return field(column).is_null(); }
  int size() const { return static_cast<int>(row_.size()); }  // columns

 private:
  pqxx::field field(const char* column) const;
  pqxx::field field(int column) const;

  pqxx::row row_;
};

class Rows {
 public:
  explicit Rows(pqxx::result result) : result_(std::move(result)) {}
  std::size_t size() const { return static_cast<std::size_t>(result_.size()); }
  bool empty() const { return result_.empty(); }
  std::size_t affected() const { return static_cast<std::size_t>(result_.affected_rows()); }
  Row operator[](std::size_t i) const;  // CHECKs that there is such a row
  Row one() const;                      // CHECKs that there is exactly one
  std::optional<Row> maybe() const;     // CHECKs that there is at most one

  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t i) : rows_(rows), i_(i) {}
    Row operator*() const { return (*rows_)[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    const Rows* rows_;
    std::size_t i_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  pqxx::result result_;
};

}  // namespace payoutd::pg

template <>
struct pqxx::string_traits<payoutd::pg::Param> {
  static constexpr const char* name() noexcept { return "parameter"; }
  static constexpr bool has_null() noexcept { return true; }
  static bool is_null(const payoutd::pg::Param& param) { return !param.text; }
  static std::string to_string(const payoutd::pg::Param& param) { return *param.text; }
};
