// Parameters as Stripe's v1 API takes them: application/x-www-form-urlencoded, nested names in
// brackets. The order is the caller's and the bytes are stable, so that a stored body can be
// repeated byte for byte. The same encoding serves the query of a GET. Source: the official SDKs'
// encoders; docs.stripe.com/api.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace payoutd::stripe {

// Encodes everything but RFC 3986's unreserved characters; a space becomes %20.
std::string percent_encode(std::string_view text);

class Form {
 public:
  // `name` may carry brackets: "created[gte]", "expand[]". They stay as they are.
  Form& add(std::string_view name, std::string_view value);
  Form& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  Form& add(std::string_view name, std::int64_t value);
  Form& add(std::string_view name, int value) { return add(name, std::int64_t{value}); }
  Form& add(std::string_view name, bool value);
  // `metadata[key]=value`, whatever characters the key has.
  Form& metadata(std::string_view key, std::string_view value);

  bool empty() const { return text_.empty(); }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

// {"payouts", "po_1", "cancel"} gives "/v1/payouts/po_1/cancel"; what is no plain id is encoded, so
// that no id from outside can reach another route. CHECKs that no segment is empty.
std::string v1_path(std::initializer_list<std::string_view> segments);

}  // namespace payoutd::stripe
