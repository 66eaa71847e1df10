// The fields of a query or of a JSON body, read by type, with every mistake collected so that the
// caller hears of all of them at once:
//
//   auto body = Fields::of_body(c.request);
//   const auto currency = body.need({"currency"}).currency({"currency"});
//   const auto amount = body.money(currency, {.required = true});  // `amount` or `amount_decimal`
//   const auto name = body.text({"name"});
//   if (auto error = body.done()) return error_reply(*error, c.request.request_id);
//
// Each getter takes every spelling of a field; the first is the one that messages use. A getter
// gives nothing for a field that is absent, null, or wrong (then the mistake is noted). done() also
// refuses fields that no getter asked for, and says which there are.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/currency.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/money.h"
#include "base/result.h"
#include "base/time.h"
#include "http/message.h"
#include "http/page.h"

namespace payoutd::http {

using Names = std::initializer_list<std::string_view>;
using Words = std::initializer_list<std::string_view>;

struct TextRule {
  std::size_t max = 255;  // characters
  bool may_be_empty = false;
};

struct AmountRule {
  bool required = false;
  std::int64_t min = 1;         // minor units
  std::string name = "amount";  // and "amount_decimal"
};

class Fields {
 public:
  static Fields of_query(const Request& request);
  // An empty body is an object without fields; what is no JSON object is the only mistake noted.
  static Fields of_body(const Request& request);
  static Fields of(Json object);  // CHECKs that it is one

  bool has(Names names) const;                   // and it is not null
  bool is_written(std::string_view name) const;  // null or not; done() may still refuse it
  bool is_null(Names names) const;               // written, as null
  Fields& need(Names names);                     // notes `parameter_missing` when absent

  std::optional<std::string> text(Names names, TextRule rule = {});
  std::optional<std::int64_t> integer(Names names,
                                      std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                                      std::int64_t max = std::numeric_limits<std::int64_t>::max());
  std::optional<bool> flag(Names names);
  // One of the words, in any case; given back as it stands in `allowed`.
  std::optional<std::string> word(Names names, Words allowed);
  std::optional<std::string> word(Names names, const std::vector<std::string_view>& allowed);
  // Several: repeated or separated by commas in a query, an array in a body. Absent: none.
  std::vector<std::string> words(Names names, const std::vector<std::string_view>& allowed);
  std::optional<Time> time(Names names, DayEdge edge = DayEdge::first);
  std::optional<Currency> currency(Names names);
  std::optional<Uuid> uuid(Names names);
  template <class Tag>
  std::optional<Id<Tag>> id(Names names) {
    const auto found = uuid(names);
    return found ? std::optional(Id<Tag>{*found}) : std::nullopt;
  }

  // A whole number of minor units under rule.name, or exact text under "<name>_decimal". Without a
  // currency (its own mistake is noted elsewhere) the form is still checked. 400 for a fraction or
  // a string, 422 `amount_too_large` and `amount_precision`.
  std::optional<Money> money(std::optional<Currency> currency, AmountRule rule = {});

  // Metadata and the like: any object of at most `max_bytes` as JSON text; nothing inside is
  // checked but that no string has a NUL, which PostgreSQL can't keep.
  std::optional<Json> object(Names names, std::size_t max_bytes = 16'384);
  // The fields of an object inside; its mistakes are this one's, under "name.field".
  std::optional<Fields> nested(Names names);
  // The same for an array of objects, under "name[0].field".
  std::vector<Fields> list(Names names, std::size_t max_items);

  Page page();

  // Notes a mistake that only the caller can see.
  void wrong(std::string_view name, std::string code, std::string message,
             Kind kind = Kind::invalid);

  // Every mistake as one Error, or nothing. `invalid` (400) unless all are `unprocessable` (422).
  std::optional<Error> done() const;

 private:
  struct State;
  explicit Fields(std::shared_ptr<State> state) : state_(std::move(state)) {}
  const Json* find(Names names) const;
  const std::string* find_text(Names names) const;
  std::string shown(Names names) const;
  Fields inside(const std::string& name, Json object);

  std::shared_ptr<State> state_;
};

}  // namespace payoutd::http
