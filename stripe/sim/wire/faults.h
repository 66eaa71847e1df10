// What goes wrong on demand: a list of faults, each used up as requests or deliveries match it.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/message.h"

namespace payoutd::sim {

struct Fault {
  enum class Do {
    // Requests. Each may also carry `ms`, waited before anything else.
    latency,       // nothing but `ms`
    reset_before,  // the connection is reset and nothing was executed
    reset_after,   // executed (and kept under its idempotency key), then the connection is reset
    truncate,      // executed, then half of the body is sent and the connection closed
    status,        // answers `status` and executes nothing
    status_after,  // executes, then answers `status`
    alter,         // executes, then answers with `with` wherever `find` stands in the body
    // Webhook deliveries.
    drop,       // this delivery never leaves and is not retried
    duplicate,  // sent twice
    reorder,    // sent after the next delivery to the same endpoint, or after `ms` (default 1,000)
    delay,      // sent `ms` later on the simulated clock
    // Events.
    twin,  // one change makes a second Event object with its own id
  };
  Do what = Do::latency;
  std::string method = "*";  // of the request
  std::string path =
      "*";  // glob: `*` is any run of characters, also slashes; of a delivery: its URL's path
  std::string type = "*";  // glob over the event's type; deliveries and events only
  int ms = 0;
  int status = 500;
  int count = 1;  // how many more times; 0: until cleared
  int every = 1;  // only each n-th match
  std::string find{}, with{};
  std::string code{};  // of the error body: "lock_timeout"
  std::string message{};
  // Answers these bytes instead of Stripe's error, as a gateway on the way does: without Request-Id
  // and Stripe's other headers. Any status from 200.
  std::optional<std::string> body{};
  std::string reason{};                // Stripe-Rate-Limited-Reason: "global-rate"
  std::optional<bool> should_retry{};  // Stripe-Should-Retry
  std::optional<int> retry_after{};    // seconds
  // Whether the idempotency layer keeps the injected answer, so that the key replays it. Default: a
  // status_after of 500 is Stripe's own and is kept; one with a `body`, 502, 503, 504 come from a
  // proxy in front, and the key replays the real answer; `status` without effect is not kept.
  bool stored = false;
};

std::string_view name_of(Fault::Do what);

class Faults {
 public:
  // An array of objects, or one object: {"method", "path", "type", "do", "ms", "status", "count",
  // "every", "find", "with", "code", "message", "body", "reason", "should_retry", "retry_after",
  // "stored"}. All or none is added. Error: 400 that names the field. At most 1,000 at a time.
  Result<std::size_t> add(const Json& faults);
  void clear();
  OrderedJson list() const;  // as given, with what remains of `count`

  // The first fault that matches, used up by one. `path` is the request's, "/v1/payouts/po_1".
  std::optional<Fault> match(std::string_view method, std::string_view path);
  std::optional<Fault> match_delivery(std::string_view event_type, std::string_view url_path);
  bool match_twin(std::string_view event_type);

 private:
  struct Armed {
    Fault fault;
    int seen = 0;
  };
  template <class Fits>
  std::optional<Fault> take(Fits fits);

  mutable std::mutex mutex_;
  std::vector<Armed> armed_;
};

// The error that a `status` or `status_after` fault answers with, headers included.
http::Reply fault_reply(const Fault& fault);

}  // namespace payoutd::sim
