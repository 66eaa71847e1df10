// C++ values as parameters and columns. Arrays travel in PostgreSQL's binary form, bound as
// $1::text[], $2::bigint[] …, which is what makes batches by UNNEST fast.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"

namespace payoutd::pg {

// A column of a batch. Appends in row order; `null()` appends NULL.
// T: bool, std::int32_t, std::int64_t, std::string, Uuid (or an Id), Time.
template <class T>
class Array {
 public:
  void reserve(std::size_t rows);
  void add(const T& value);
  void add(const std::optional<T>& value);
  void null();
  std::size_t size() const { return count_; }
  void clear();
  pqxx::binarystring bind() const;

 private:
  std::string bytes_;  // the elements, each with its length, in network order
  std::size_t count_ = 0;
  bool has_null_ = false;
};

// One row of an answer. `get<T>("name")` or by position; T as above, std::optional<T> for what may be
// NULL, Json for jsonb. NULL into a plain T, or text that does not fit T, is Broken.
class Row {
 public:
  explicit Row(pqxx::row row) : row_(std::move(row)) {}
  template <class T>
  T get(const char* column) const;
  template <class T>
  T get(int column) const;
  bool is_null(const char* column) const;

 private:
  pqxx::row row_;
};

class Rows {
 public:
  explicit Rows(pqxx::result result) : result_(std::move(result)) {}
  std::size_t size() const { return static_cast<std::size_t>(result_.size()); }
  bool empty() const { return result_.empty(); }
  std::size_t affected() const { return static_cast<std::size_t>(result_.affected_rows()); }
  Row operator[](std::size_t i) const { return Row(result_[static_cast<pqxx::result::size_type>(i)]); }
  Row one() const;                  // CHECKs that there is exactly one
  std::optional<Row> maybe() const; // CHECKs that there is at most one

  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t i) : rows_(rows), i_(i) {}
    Row operator*() const { return (*rows_)[i_]; }
    Iterator& operator++() { ++i_; return *this; }
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
