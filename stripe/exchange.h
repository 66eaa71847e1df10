// One call of Stripe's API: what is asked, what came back, and what went wrong in Stripe's own
// words.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "stripe/budget.h"
#include "stripe/form.h"
#include "stripe/outcome.h"
#include "stripe/retry.h"

namespace payoutd::stripe {

// Pinned: Stripe renders every answer in this version, whatever the account's default.
inline constexpr std::string_view kApiVersion = "2026-07-29.dahlia";

enum class Method { get, post, del };
std::string_view name_of(Method method);

// Derived from the operation and stored before the first send, never made up at the moment of
// sending.
class IdempotencyKey {
 public:
  // CHECKs 1 to 255 printable ASCII characters without spaces.
  explicit IdempotencyKey(std::string value);
  const std::string& str() const { return value_; }

 private:
  std::string value_;
};

// A POST cannot be made without a key. The body is sent byte for byte as given.
class Request {
 public:
  static Request get(std::string path, const Form& query = {});
  static Request post(std::string path, IdempotencyKey key, std::string form_body);
  static Request del(std::string path, const Form& query = {});

  // Acts as a connected account (`acct_…`); empty: the platform itself.
  Request&& on(std::string account) &&;
  Request&& with(Priority priority) &&;
  Request&& with(Retries retries) &&;
  Request&& with(std::chrono::milliseconds timeout) &&;  // of each send; else the client's
  // No send begins after that, however long the budget made it wait: the call then ends as unknown
  // as it is, with `stripe_too_late`. Who finds the request on record may tell when it is over.
  Request&& until(Instant last_start) &&;
  // The fate of earlier sends of this key, from the stored instruction.
  Request&& earlier(History history) &&;

  Method method = Method::get;
  std::string path;  // "/v1/payouts", encoded, with its query
  std::string body;
  std::string key;  // Idempotency-Key; empty except for POST
  std::string account;
  Priority priority = Priority::normal;
  Retries retries = Retries::reading();
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<Instant> last_start;
  History history;

 private:
  Request() = default;
};

struct Response {
  int status = 0;          // 0: nobody answered
  std::string body;        // followed in memory by simdjson's padding: reparse it without a copy
  std::string request_id;  // req_…
  std::string original_request;
  std::string rate_limited_reason;  // endpoint-rate, global-concurrency, …; only from a limiter
  bool replayed = false;
  std::optional<bool> should_retry;
  std::optional<std::chrono::seconds> retry_after;
  // The second of Stripe's clock in which this was sent, or an earlier one: the object is at least
  // as fresh as that. An answer without a plausible Date: our business clock's, just before.
  Time sent_at{};

  bool ok() const { return status >= 200 && status < 300; }
};

// A refusal in Stripe's words. An open enumeration: any `code` may come.
struct StripeError {
  int status = 0;
  std::string type{};
  std::string code{};
  std::string message{};  // keys masked
  std::string param{};
  std::string decline_code{};
  std::string request_id{};
  std::string rate_limited_reason{};
  bool replayed = false;
};

// Nothing where the answer is not certainly Stripe's: it has no Request-Id (`req_…`), no `error`
// object, a type that Stripe does not have, or the status 408 or 499. Proxies and gateways on the
// way answer so, and their word decides nothing: the request may have reached Stripe.
std::optional<StripeError> parse_error(const Response& response);

// For our callers: 404 of an object (`resource_missing`) missing; 400 and 402 unprocessable; 409 of
// a key in use, 429 and 5xx retry; other 409 refused; 401, 403 and what is unexpected upstream.
// Code and param are Stripe's where it gave any.
Error to_error(const StripeError& error);

// What a call came to, over all its sends.
struct Answer {
  Outcome outcome = Outcome::not_done;
  History history{};                     // store it with the instruction; see Request::earlier
  Response response{};                   // the last; status 0 when nobody answered
  std::optional<StripeError> refusal{};  // of the last response
  Error error{};                         // says why, unless the last response was a parsed 2xx

  bool ok() const { return outcome == Outcome::done; }
};

}  // namespace payoutd::stripe
