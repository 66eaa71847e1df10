// What each of Stripe's event types shows: one row each. A type without a row is stored and left.
#pragma once

#include <span>
#include <string_view>

#include "mirror/apply.h"
#include "mirror/object_shape.h"

namespace payoutd::mirror {

enum class Calls { to_apply_object, to_ask_for_account };

struct EventType {
  std::string_view type;
  const ObjectShape& shape;  // of the object that it shows
  Calls calls = Calls::to_apply_object;
};

std::span<const EventType> event_types();
const EventType* find_event_type(std::string_view type);

// What is fetched in place of an event's object that can't be read as it stands. `event` tells
// whose it is and when it happened. Error: Stripe shows no such object by itself.
Result<Refetch> fetch_instead(const EventType& type, const Misfit& misfit, const Version& event);

}  // namespace payoutd::mirror
