// A refusal is a value: Result<T> holds a T or an Error and converts from either.
#pragma once

#include <expected>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace payoutd {

// The kind decides what happens next: the HTTP status, and whether a job runs again (only `retry`).
enum class Kind {
  invalid,        // 400: the request can't be read
  unprocessable,  // 422: it can be read, and may not be done as it stands
  unauthorized,   // 401
  forbidden,      // 403
  missing,        // 404
  refused,        // 409: the present state does not allow it
  limited,        // 429
  upstream,       // 502: Stripe answered with something that the caller can't change
  retry,          // 503: the same request may work later
};

struct FieldError {
  std::string param;    // the field's name as the caller spells it: "splits[1].bps"
  std::string code;     // stable, for programs: "amount_too_large"
  std::string message;  // for people: what was given, what is allowed
};

struct Error {
  Kind kind = Kind::invalid;
  std::string code;                   // stable, for programs
  std::string message;                // for people
  std::string param{};                // the field, where there is one
  std::vector<FieldError> details{};  // all field errors at once
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  template <class U = T>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : held_(std::in_place, std::forward<U>(value)) {}            // NOLINT: converts on purpose
  Result(Error error) : held_(std::unexpect, std::move(error)) {}  // NOLINT: converts on purpose

  explicit operator bool() const { return held_.has_value(); }
  bool ok() const { return held_.has_value(); }

  T& operator*() & {
    CHECK(held_.has_value());
    return *held_;
  }
  const T& operator*() const& {
    CHECK(held_.has_value());
    return *held_;
  }
  T&& operator*() && {
    CHECK(held_.has_value());
    return *std::move(held_);
  }
  T* operator->() {
    CHECK(held_.has_value());
    return &*held_;
  }
  const T* operator->() const {
    CHECK(held_.has_value());
    return &*held_;
  }

  Error& error() {
    CHECK(!held_.has_value());
    return held_.error();
  }
  const Error& error() const {
    CHECK(!held_.has_value());
    return held_.error();
  }

 private:
  std::expected<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : held_(std::unexpect, std::move(error)) {}  // NOLINT: converts on purpose

  explicit operator bool() const { return held_.has_value(); }
  bool ok() const { return held_.has_value(); }
  Error& error() {
    CHECK(!held_.has_value());
    return held_.error();
  }
  const Error& error() const {
    CHECK(!held_.has_value());
    return held_.error();
  }

 private:
  std::expected<void, Error> held_;
};

}  // namespace payoutd
