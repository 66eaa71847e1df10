// The client of Stripe's API: one thread drives all requests over kept connections (HTTP/2 where it
// is offered), so callers on many threads share one rate budget, one pool and one order of
// priority.
//
// A call is one or more sends of the same bytes under the same key. The budget is asked before
// each, and the answer tells what is known of all of them (see outcome.h). The API key is never
// logged, never put into an error, and never sent to another host: redirects are not followed and
// URLs in answers not used.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "stripe/exchange.h"

namespace payoutd::stripe {

class Loop;
class Pages;
struct Listing;

class Client {
 public:
  struct Options {
    Secret key;                                   // sk_… or rk_…
    std::string base = "https://api.stripe.com";  // http:// only to this machine or by a test key
    std::shared_ptr<Budget> budget{};             // none: a LocalBudget
    const Clock* clock = nullptr;                 // for answers without a Date; none: the machine's
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds timeout{80'000};  // of one send, connecting included
    std::size_t max_in_flight = 256;            // the last eighth is kept free of sync
    // Of POST /v1/payouts at once. Stripe allows 30 and counts all instances together; beyond it
    // answers 429, which only costs time.
    std::size_t max_payout_creations = 15;
    std::size_t max_waiting = 100'000;  // beyond: refused `stripe_queue_full`
    std::size_t max_response_bytes = 32 * 1024 * 1024;
    std::string ca_file{};                // instead of the system's certificates
    std::function<Pause(Pause)> pause{};  // how long a wanted pause takes; none: that long
  };
  // Errors (invalid): `stripe_key_invalid`, `stripe_base_invalid`, in words for who configured it.
  static Result<std::unique_ptr<Client>> open(Options options);

  ~Client();  // stops without draining
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Blocks until the call is over, whatever came of it. Not from a callback.
  Answer send(Request request);
  // For reads: the answer to a parsed 2xx, else the error.
  Result<Response> call(Request request);

  using Callback = std::move_only_function<void(Answer)>;
  using Ticket = std::uint64_t;
  // The callback runs exactly once, on the client's thread, and must not block.
  Ticket submit(Request request, Callback callback);
  // The call ends with `stripe_call_canceled`: not done if nothing was sent, else as unknown as it
  // is. No effect on a call that is over.
  void cancel(Ticket ticket);

  // All pages of a list, one at a time; see pages.h. The client must outlive it.
  Pages list(Listing listing);

  // Refuses what waits (`stripe_client_stopping`), lets POSTs in flight end for at most `drain`,
  // cuts all else, and returns when every callback has run. Calls that come later are refused.
  void stop(std::chrono::milliseconds drain = std::chrono::milliseconds{0});

  struct Counts {
    std::uint64_t calls = 0, sends = 0, repeats = 0, limited = 0, connections = 0;
    std::size_t in_flight = 0, peak_in_flight = 0, waiting = 0;
  };
  Counts counts() const;

 private:
  explicit Client(Options options);
  std::unique_ptr<Loop> loop_;
};

}  // namespace payoutd::stripe
