// What each of Stripe's event types shows: one row each. A type without a row is stored and left.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "mirror/apply.h"
#include "webhooks/object_shape.h"

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

// What events call for: versions go into the mirror as a set, and the others are fetched.
struct Work {
  std::vector<mirror::Version> versions;
  std::vector<mirror::Refetch> refetch;
  std::vector<std::string> connected;  // accounts that say so: Stripe is asked how they are now
};

enum class Calls { to_apply_object, to_ask_for_account };

struct EventType {
  std::string_view type;
  const ObjectShape& shape;  // of the object that it shows
  Calls calls = Calls::to_apply_object;
};

std::span<const EventType> event_types();
const EventType* find_event_type(std::string_view type);

// Adds to `work` what the event calls for: its object as a version, or as one to be fetched where
// it can't be read as it stands. The event must outlive `work`. Error: it can't be applied; it is
// set aside with the reason.
Result<void> read_event(StoredEvent& event, Work& work);

}  // namespace payoutd::webhooks
