// A stored event as it is read: what it calls for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "mirror/apply.h"
#include "mirror/event_types.h"

namespace payoutd::webhooks {

// A stored event on its way into the tables.
struct StoredEvent {
  OrgId organization{};
  std::string id;
  std::string type;
  std::string account;  // acct_… whose event it is, the platform's own included
  Time created;
  std::string api_version;  // empty where the event gives none
  std::string body;
  std::string_view object{};  // data.object's JSON text, a part of `body`
};

// The work that events call for: versions go into the mirror as a set, other objects are fetched.
struct Work {
  std::vector<mirror::Version> versions;
  std::vector<mirror::Refetch> refetch;
  std::vector<std::string> connected;  // accounts that say so: Stripe is asked how they are now
};

using mirror::event_types;
using mirror::EventType;
using mirror::find_event_type;

// Adds to `work` what the event calls for: its object as a version, or as one to be fetched where
// it can't be read as it stands. The event must outlive `work`. Error: it can't be applied; it is
// kept as failed with the reason.
Result<void> read_event(StoredEvent& event, Work& work);

}  // namespace payoutd::webhooks
