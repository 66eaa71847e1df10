// The SQL of the inbox.
#pragma once

#include <optional>
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

namespace inbox_store {

// Stores the events that are not there yet, and queues those that are to be applied. `events` need
// not be sorted or unique. Every partition must exist. Returns how many were stored.
std::size_t insert(pg::Tx& tx, std::span<const Received* const> events);
// Stores events of a time that the inbox has no week for.
std::size_t set_aside(pg::Tx& tx, std::span<const Received* const> events);

// The owners of accounts. The platform's own account is always among them: its events name no
// account.
struct Owner {
  OrgId organization;
  std::string account;  // acct_…
  bool is_platform = false;
};
std::vector<Owner> owners(pg::Tx& tx, const std::vector<std::string>& accounts);
std::optional<OrgId> platform(pg::Tx& tx);

}  // namespace inbox_store

}  // namespace payoutd::webhooks
