// What each of Stripe's event types does: one row each. A type without a row is stored and left.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "mirror/apply.h"
#include "pg/database.h"

namespace payoutd::webhooks {

// A stored event on its way into the tables.
struct StoredEvent {
  OrgId organization{};
  std::string id;
  std::string type;
  std::string account;  // acct_… whose event it is, the platform's own included
  Time created;
  std::string body;
  std::string_view object{};  // data.object's JSON text, a part of `body`
};

// Collects what goes into the mirror as a set, and does the rest at once.
struct Work {
  pg::Tx& tx;
  std::vector<mirror::Version>& versions;
};

// Error: the event can't be applied as it is; it is set aside with the reason.
using Handle = Result<void> (*)(const StoredEvent& event, Work& work);

struct EventType {
  std::string_view type;
  Handle handle;
};

std::span<const EventType> event_types();
const EventType* find_event_type(std::string_view type);

// Fills in `object`. Error: `event_invalid`.
Result<void> find_object(StoredEvent& event);

}  // namespace payoutd::webhooks
