// The SQL of the queue between the inbox and the tables.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/database.h"
#include "webhooks/event_types.h"

namespace payoutd::webhooks {

struct Failure {
  const StoredEvent* event;
  std::string error;
};

struct QueueStore {
  // Takes the oldest `limit` events that nobody else holds off the queue, with their bodies.
  static std::vector<StoredEvent> take(pg::Tx& tx, int limit);
  static void set_aside(pg::Tx& tx, std::span<const Failure> failures);
};

}  // namespace payoutd::webhooks
