// The SQL of the inbox as people see it: lists of events, one event with its copies, and what a
// replay changes of them. Crosses tenants: it serves the operator at the machine.
#pragma once

#include <string>
#include <vector>

#include "pg/database.h"
#include "webhooks/event_log.h"

namespace payoutd::webhooks::event_log_store {

// An event as it is stored, and where.
struct Kept {
  LoggedEvent event;
  std::string api_version;
  bool inside = true;  // the weeks of the inbox
};

// The newest first.
std::vector<LoggedEvent> list(pg::Tx& tx, const EventFilter& filter);

// All copies of the event, with their bodies.
std::vector<Kept> find(pg::Tx& tx, const std::string& event_id);

// Takes the event off the queue, the delayed ones and the failed ones.
void take_off(pg::Tx& tx, const LoggedEvent& event);
// Makes a copy of the event that is `owner`'s and is to be applied. Outside the weeks of the inbox,
// of which none may be there for it, the copy says whether it is `applied`.
void give_to(pg::Tx& tx, const Kept& kept, OrgId owner, bool applied);
void remove(pg::Tx& tx, const Kept& kept);

}  // namespace payoutd::webhooks::event_log_store
