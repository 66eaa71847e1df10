// Delivers events to webhook endpoints over real HTTP, from a thread of its own: signed per
// attempt, in parallel, at least once, in no order, retried on the simulated clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "stripe/sim/delivery/webhook_rules.h"
#include "stripe/sim/wire/faults.h"

namespace payoutd::sim {

class WebhookSender {
 public:
  struct Options {
    WebhookRetries retries = WebhookRetries::live();
    int max_parallel = 32;
    int max_parallel_per_endpoint = 16;
    int timeout_ms = 10'000;
    std::size_t max_pending = 100'000;  // deliveries waiting per endpoint; beyond: lost and counted
    int drain_ms = 2'000;               // at stop: how long those in flight may take
  };

  // Called from the sender's thread, never while the sender holds a lock of its own, and never
  // after stop(). They may lock the simulator; publish() may be called while that lock is held.
  struct Events {
    // The bytes to send now (pending_webhooks changes between attempts); nothing: drop the
    // delivery.
    std::function<std::optional<std::string>(const std::string& event_id, const WebhookEndpoint&)>
        body;
    // The endpoint answered 2xx, for the first time: pending_webhooks counts down.
    std::function<void(const std::string& event_id, const std::string& endpoint_id)> acknowledged;
  };

  // `clock` and `faults` outlive the sender.
  WebhookSender(const Clock& clock, Faults& faults, Events events, Options options);
  WebhookSender(const Clock& clock, Faults& faults, Events events);
  ~WebhookSender();  // stops
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;

  void start();
  void stop();  // finishes what is in flight within drain_ms; the rest is dropped

  // Adds an endpoint or replaces the one with its id. Error: `url_invalid`.
  Result<void> put(WebhookEndpoint endpoint);
  void remove(const std::string& id);  // its pending deliveries go with it
  std::vector<WebhookEndpoint> endpoints() const;

  // Queues one delivery for every endpoint that wants the event. Returns how many: the event's
  // pending_webhooks. Never blocks on the network.
  int publish(const WebhookEvent& event);

  void clock_moved();  // retries that came due are sent now

  // Nothing is in flight or due at this moment of the simulated clock; retries and delayed
  // deliveries may wait for a later one.
  bool idle() const;
  // True when idle() became true in time.
  bool wait_drained(std::chrono::milliseconds timeout) const;

  struct Counts {
    std::uint64_t attempts = 0;      // sent
    std::uint64_t acknowledged = 0;  // deliveries that got a 2xx
    std::uint64_t failed = 0;        // attempts that got something else, or nothing
    std::uint64_t given_up = 0;      // deliveries after their last attempt
    std::uint64_t dropped = 0;       // by a fault, a disabled or removed endpoint
    std::uint64_t lost = 0;          // beyond max_pending
    std::size_t pending = 0;
    std::size_t in_flight = 0;
  };
  Counts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace payoutd::sim
