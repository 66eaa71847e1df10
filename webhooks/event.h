// The head of a Stripe event: what the inbox must know before the event is stored. The rest of the
// body is read when it is applied.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace payoutd::webhooks {

struct EventHead {
  std::string id;       // "evt_…"
  std::string type;     // "payout.paid"
  std::string account;  // "acct_…"; empty on the platform's own events
  Time created;
  bool livemode = false;
  std::optional<std::string> api_version;
  std::optional<std::string> object_id;  // data.object.id
};

// Reads the head of `body`. Errors, all 400: `event_not_json`, `event_invalid` (naming the field),
// `event_thin` for a v2.core.event, which has no object to apply.
Result<EventHead> read_head(std::string_view body);

}  // namespace payoutd::webhooks
