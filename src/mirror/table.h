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

// One column of `Row`.
template <class Row, class T>
struct Column {
  const char* name;
  T Row::*member;
  Keep keep = Keep::nothing;
};
template <class Row, class T>
Column(const char*, T Row::*) -> Column<Row, T>;
template <class Row, class T>
Column(const char*, T Row::*, Keep) -> Column<Row, T>;

// How a member's type is bound and what PostgreSQL calls it.
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
  static const std::string& element(const std::string& v) { return v; }
  static void digest(Digest& digest, const std::string& v) { digest.add(v); }
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
  if constexpr (std::is_same_v<T, JsonText> || std::is_same_v<T, Decimal>) array.add(value.text);
  else array.add(value);
}
template <class Element, class T>
void append(pg::Array<Element>& array, const std::optional<T>& value) {
  if (value) append(array, *value);
  else array.null();
}

// The arrays of a batch of `Row`s, in the order of `columns`.
template <class Columns>
struct ArraysOf;
template <class Row, class... Ts>
struct ArraysOf<std::tuple<Column<Row, Ts>...>> {
  using type = std::tuple<pg::Array<typename Bound<Ts>::Element>...>;
};

template <class Row, class Columns>
std::int64_t digest_of(const Row& row, const Columns& columns) {
  Digest digest;
  const auto add = [&]<class T>(const Column<Row, T>& column) {
    if (column.keep != Keep::first) Bound<T>::digest(digest, row.*column.member);
  };
  std::apply([&](const auto&... column) { (add(column), ...); }, columns);
  return digest.value();
}

template <class Row, class Columns, class Arrays>
void append_row(Arrays& arrays, const Row& row, const Columns& columns) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (append(std::get<I>(arrays), row.*std::get<I>(columns).member), ...);
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

template <class Row, class... Ts>
std::vector<ColumnText> texts_of(const std::tuple<Column<Row, Ts>...>& columns) {
  std::vector<ColumnText> texts;
  const auto add = [&]<class T>(const Column<Row, T>& column) {
    texts.push_back({column.name, Bound<T>::kSent, Bound<T>::kCast, column.keep});
  };
  std::apply([&](const auto&... column) { (add(column), ...); }, columns);
  return texts;
}

}  // namespace payoutd::mirror
