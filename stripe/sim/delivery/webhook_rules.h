// Who gets an event, and when a failed delivery is tried again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace payoutd::sim {

struct WebhookSecret {
  Secret secret{};
  std::optional<Time> expires{};  // of a rolled secret: signed with until then
};

struct WebhookEndpoint {
  std::string id{};       // "we_…"
  std::string url{};      // http or https
  std::string account{};  // who registered it: the platform
  bool connect = false;   // events of the platform's connected accounts, instead of its own
  bool livemode = false;
  bool enabled = true;
  std::vector<std::string> enabled_events{"*"};
  std::vector<WebhookSecret> secrets{};
};

// What the sender needs to know of an event; the body is asked for at each attempt.
struct WebhookEvent {
  std::string id{};        // "evt_…"
  std::string type{};      // "payout.paid"
  std::string account{};   // whose activity it is
  std::string platform{};  // the platform that account is connected to; empty for a platform's own
  bool livemode = false;
};

// Mode, scope and type: what Stripe would send to this endpoint (reference 8.2).
bool wants(const WebhookEndpoint& endpoint, const WebhookEvent& event);

struct WebhookRetries {
  std::chrono::seconds first{2};  // before the first retry, then four times as long each
  std::chrono::seconds longest{12 * 3600};
  std::chrono::seconds give_up{3 * 24 * 3600};  // after the first attempt
  int max_attempts = 1'000;

  // When the attempt after the `attempts`-th (1 or more), which failed at `now`, is due. Nothing:
  // no more.
  std::optional<Time> next(int attempts, Time first_attempt, Time now) const;

  static WebhookRetries live() { return {}; }
  static WebhookRetries sandbox() {
    return {.first = std::chrono::seconds{60}, .longest = std::chrono::hours{2}, .max_attempts = 3};
  }
};

}  // namespace payoutd::sim
