// The SQL of the inbox.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "pg/database.h"
#include "webhooks/event.h"

namespace payoutd::webhooks {

enum class Disposition { apply, unhandled, unknown_account, other_mode };

// An event as it goes into the inbox.
struct Received {
  EventHead head;
  std::string body;  // the exact bytes
  OrgId organization{};
  Disposition disposition = Disposition::apply;
};

struct InboxStore {
  // Stores what is not there yet, and queues of it what is to be applied. `events` need not be
  // sorted or unique. Every partition must exist. Returns how many were stored.
  static std::size_t insert(pg::Tx& tx, std::span<const Received* const> events);
  // The same for events outside the range that the inbox keeps.
  static std::size_t set_aside(pg::Tx& tx, std::span<const Received* const> events);
  static void ensure_week(pg::Tx& tx, Time day);
};

}  // namespace payoutd::webhooks
