// A Stripe object as it is read: fields by name, each checked for its type. What is missing or ill
// typed is remembered, and refuses the object as a whole; what has not been heard of is left alone.
//
//   Fields f(object);
//   charge.amount = f.integer("amount");
//   charge.customer = f.id("customer");      // "cus_…" or the expanded object
//   if (auto bad = f.error()) return *bad;
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/money.h"
#include "base/result.h"
#include "base/time.h"

namespace payoutd::mirror {

// JSON text that goes into a jsonb column: no \u0000, which PostgreSQL can't keep.
struct JsonText {
  std::string text;
  friend bool operator==(const JsonText&, const JsonText&) = default;
};

// Digits as Stripe wrote them, for a numeric column.
struct Decimal {
  std::string text;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// A JSON object inside a parsed text; valid while its Parser lives and reads nothing else.
class Object {
 public:
  using Handle = std::array<std::byte, 16>;
  explicit Object(Handle handle) : handle_(handle) {}

  std::string_view type() const;  // its "object", empty without one
  const Handle& handle() const { return handle_; }

 private:
  Handle handle_;
};

// Whether Stripe may have made it: 1 to 255 printable characters, no spaces.
bool is_id(std::string_view text);
// Of what is none: "id is not an id", or that it holds a NUL.
std::string why_no_id(std::string_view name, std::string_view text);

// Reads one text after the other with the memory of the largest.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Text that is not Unicode is read with U+FFFD in its place. Error: 400 `object_invalid` for what
  // is no JSON object.
  Result<Object> parse(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The first wrong field makes error(); reading goes on with zeros.
class Fields {
 public:
  explicit Fields(const Object& object) : object_(object) {}

  std::string id(const char* name);    // of this object: 1 to 255 printable characters, no spaces
  std::string text(const char* name);  // required; a NUL becomes U+FFFD
  std::int64_t integer(const char* name);  // required, whole, 64 bits
  bool boolean(const char* name);
  Time time(const char* name);             // unix seconds between 1970 and 9999
  std::string currency(const char* name);  // three lower-case letters
  // In a currency that this program may not know: what Stripe shows is kept.
  Money money(const char* amount, const char* currency);

  // Absent and null alike are nothing; what is there must fit.
  std::optional<std::string> optional_text(const char* name);
  std::optional<std::int64_t> optional_integer(const char* name);
  std::optional<bool> optional_boolean(const char* name);
  std::optional<Time> optional_time(const char* name);
  std::optional<std::string> optional_currency(const char* name);
  std::optional<std::string> optional_id(
      const char* name);  // the id, or the id of the object there

  // The same for a field of an object of ours: transfer_data.destination.
  std::optional<std::string> id_inside(const char* object, const char* name);
  std::optional<std::string> text_inside(const char* object, const char* name);

  JsonText json(const char* name, std::string_view when_absent);
  std::optional<JsonText> optional_json(const char* name);
  // An object of texts with its keys in order, whatever order they came in; {} when absent.
  JsonText sorted(const char* name);

  std::optional<Object> optional_object(const char* name);
  // Calls for each object of the array, or of the list's `data`, at most `limit`; none when absent.
  void each(const char* name, std::size_t limit, const std::function<void(const Object&)>& call);

  // Whether the list inside was cut: Stripe has more elements than it shows there.
  bool has_more(const char* name);

  void refuse(std::string why);  // for rules that span fields
  std::optional<Error> error() const;

 private:
  Object object_;
  std::optional<std::string> wrong_;
};

// The digits of the number `name` in the text of an object, exactly as they stand there, which a
// double could not hold. Nothing when it is absent, null or no number.
std::optional<Decimal> raw_number(std::string_view text, const char* name);

}  // namespace payoutd::mirror
