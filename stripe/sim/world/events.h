// Events: a snapshot of an object at the moment something happened to it, kept for thirty days and
// handed to the webhook sender.
#pragma once

#include <string>
#include <string_view>

#include "stripe/sim/world/world.h"

namespace payoutd::sim {

inline constexpr std::int64_t kEventHorizon = 30 * kDay;

void emit(World& world, const Document& object, std::string_view type);
void emit_object(World& world, Account& account, std::string_view type, const OrderedJson& object);

// The old values of what differs, nested objects likewise; null where nothing does.
OrderedJson previous_attributes(const OrderedJson& before, const OrderedJson& after);

// A change of one object: write its fields, then save() or emit() once. An event that tells of an
// update carries what was there before.
class Edit {
 public:
  Edit(World& world, Document& document)
      : world_(world), document_(document), before_(document.json) {}
  OrderedJson& operator[](const char* field) { return document_.json[field]; }
  OrderedJson& json() { return document_.json; }

  void save();
  void emit(std::string_view type);             // saves, too
  bool emit_if_changed(std::string_view type);  // false when there was nothing to tell

 private:
  World& world_;
  Document& document_;
  OrderedJson before_;
};

// Drops what has left the horizon, now and every day.
void keep_events_bounded(World& world);

}  // namespace payoutd::sim
