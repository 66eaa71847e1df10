// A mirrored kind of object as its columns, and the statements that follow from them: each table is
// described once, and read, hashed, bound and upserted by that description.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/currency.h"
#include "base/time.h"
#include "mirror/object.h"
#include "mirror/shown.h"
#include "pg/database.h"

namespace payoutd::mirror {

// What a newer version does to a column.
enum class Keep {
  nothing,   // it shows the newer value
  first,     // it keeps the first value that any version knew; no part of what makes two differ
  when_cut,  // it keeps its value where the newer version is `cut`: that one shows only a part
};

// Whether a column is part of what makes two versions differ.
enum class Compared { yes, no };

// One column of `R`.
template <class R, class T>
struct Column {
  using Value = T;
  const char* name;
  T R::*field;
  Keep keep = Keep::nothing;
  Compared compared = Compared::yes;
  const T& of(const R& row) const { return row.*field; }
  T& of(R& row) const { return row.*field; }
};
template <class R, class T>
Column(const char*, T R::*) -> Column<R, T>;
template <class R, class T>
Column(const char*, T R::*, Keep) -> Column<R, T>;
template <class R, class T>
Column(const char*, T R::*, Keep, Compared) -> Column<R, T>;

// A column that is a part of a field of `R`: an amount of its Money.
template <class R, class Whole, class T>
struct PartColumn {
  using Value = T;
  const char* name;
  Whole R::*whole;
  T Whole::*part;
  Keep keep = Keep::nothing;
  Compared compared = Compared::yes;
  const T& of(const R& row) const { return row.*whole.*part; }
  T& of(R& row) const { return row.*whole.*part; }
};
template <class R, class Whole, class T>
PartColumn(const char*, Whole R::*, T Whole::*) -> PartColumn<R, Whole, T>;

// What makes two versions differ and is no column of the table.
template <class R, class T>
struct ComparedOnly {
  using Value = T;
  T R::*field;
  Keep keep = Keep::nothing;
  Compared compared = Compared::yes;
  const T& of(const R& row) const { return row.*field; }
};
template <class R, class T>
ComparedOnly(T R::*) -> ComparedOnly<R, T>;

// The columns of the table among them.
template <class... Columns>
constexpr auto stored_of(const std::tuple<Columns...>& columns) {
  const auto one = []<class C>(const C& column) {
    if constexpr (requires { column.name; }) return std::tuple(column);
    else return std::tuple();
  };
  return std::apply([&](const auto&... column) { return std::tuple_cat(one(column)...); }, columns);
}

// How a field's type is bound and what PostgreSQL calls it.
template <class T>
struct Bound;
template <>
struct Bound<std::int64_t> {
  using Element = std::int64_t;
  static constexpr std::string_view kSent = "bigint", kCast = "";
  static void digest(Digest& digest, std::int64_t v) { digest.add(v); }
};
template <>
struct Bound<bool> {
  using Element = bool;
  static constexpr std::string_view kSent = "boolean", kCast = "";
  static void digest(Digest& digest, bool v) { digest.add(std::int64_t{v}); }
};
template <>
struct Bound<std::string> {
  using Element = std::string;
  static constexpr std::string_view kSent = "text", kCast = "";
  static void digest(Digest& digest, const std::string& v) { digest.add(v); }
};
template <>
struct Bound<Currency> {
  using Element = std::string;
  static constexpr std::string_view kSent = "text", kCast = "";
  static void digest(Digest& digest, const Currency& v) { digest.add(v.str()); }
};
template <>
struct Bound<Time> {
  using Element = Time;
  static constexpr std::string_view kSent = "timestamptz", kCast = "";
  static void digest(Digest& digest, Time v) { digest.add(to_micros(v)); }
};
template <>
struct Bound<JsonText> {
  using Element = std::string;
  static constexpr std::string_view kSent = "text", kCast = "::jsonb";
  static void digest(Digest& digest, const JsonText& v) { digest.add(v.text); }
};
template <>
struct Bound<Decimal> {
  using Element = std::string;
  static constexpr std::string_view kSent = "text", kCast = "::numeric";
  static void digest(Digest& digest, const Decimal& v) { digest.add(v.text); }
};
template <class T>
struct Bound<std::optional<T>> : Bound<T> {
  static void digest(Digest& digest, const std::optional<T>& v) {
    if (v) Bound<T>::digest(digest, *v);
    else digest.nothing();
  }
};

template <class Element, class T>
void append(pg::Array<Element>& array, const T& value) {
  if constexpr (requires { value.text; }) array.add(value.text);
  else if constexpr (std::is_same_v<T, Currency>) array.add(value.str());
  else array.add(value);
}
template <class Element, class T>
void append(pg::Array<Element>& array, const std::optional<T>& value) {
  if (value) append(array, *value);
  else array.null();
}

// The arrays of a batch of rows, in the order of `columns`.
template <class Columns>
struct ArraysOf;
template <class... Columns>
struct ArraysOf<std::tuple<Columns...>> {
  using type = std::tuple<pg::Array<typename Bound<typename Columns::Value>::Element>...>;
};

template <class Row, class Columns>
std::int64_t digest_of(const Row& row, const Columns& columns) {
  Digest digest;
  const auto add = [&]<class C>(const C& column) {
    if (column.keep == Keep::first || column.compared == Compared::no) return;
    Bound<typename C::Value>::digest(digest, column.of(row));
  };
  std::apply([&](const auto&... column) { (add(column), ...); }, columns);
  return digest.value();
}

template <class Row, class Columns, class Arrays>
void append_row(Arrays& arrays, const Row& row, const Columns& columns) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (append(std::get<I>(arrays), std::get<I>(columns).of(row)), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<Columns>>{});
}

// A column as the statements need it.
struct ColumnText {
  std::string_view name, sent, cast;
  Keep keep;
};

// The statements of one table. Upsert takes arrays of organization_id, account, stripe_id, stage,
// shown_at, rank, digest, tied and then the columns, one row a key, sorted by key; it returns
// account, stripe_id, tied and whether the row was created, for the rows that it wrote. Tie takes
// the first eight for the rows that it did not write, marks those that tie with the row that
// stands, and returns account and stripe_id of the rows that it marked.
class Statements {
 public:
  Statements(std::string table, const std::vector<ColumnText>& columns);

 private:
  std::string upsert_name_, tie_name_, upsert_sql_, tie_sql_;

 public:
  const pg::Query upsert;
  const pg::Query tie;
};

template <class... Columns>
std::vector<ColumnText> texts_of(const std::tuple<Columns...>& columns) {
  std::vector<ColumnText> texts;
  const auto add = [&]<class C>(const C& column) {
    using Sent = Bound<typename C::Value>;
    texts.push_back({column.name, Sent::kSent, Sent::kCast, column.keep});
  };
  std::apply([&](const auto&... column) { (add(column), ...); }, columns);
  return texts;
}

}  // namespace payoutd::mirror
