// The inbox for people: events are listed, shown, applied again. Crosses tenants: it serves the
// operator at the machine, never an API key.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "mirror/apply.h"
#include "pg/database.h"

namespace payoutd::webhooks {

inline constexpr std::array<const char*, 7> kEventStates = {
    "applied", "pending", "failed", "unhandled", "unknown_account", "other_mode", "out_of_range"};

struct LoggedEvent {
  OrgId organization{};
  std::string id;
  std::string type;
  std::string account;
  Time created;
  Time received;
  bool livemode = false;
  std::string state;    // one of kEventStates
  std::string error{};  // of a failed one
  std::string body{};   // only from find_events
};

struct EventFilter {
  std::optional<std::string> type{};
  std::optional<std::string> account{};
  std::optional<std::string> state{};  // one of kEventStates
  std::optional<Time> before{};        // by `created`
  int limit = 50;
};

// The newest first.
Result<std::vector<LoggedEvent>> list_events(pg::Database& db, const EventFilter& filter);

// More than one where an event was kept for an unknown account and delivered again later.
// Error: 404 `event_not_found`.
Result<std::vector<LoggedEvent>> find_events(pg::Database& db, const std::string& event_id);

// Applies it now, whatever became of it before, for the organization that its account belongs to by
// now: it stands under that one, applied, from then on. One whose object can't be read as it is
// written is `pending` (outside the weeks of the inbox `out_of_range`) until a job has fetched
// that. Errors: `event_not_found`, `event_unhandled`, `account_unknown`, 409 `event_of_other_mode`,
// or why it can't be applied. `livemode` is our Stripe key's; without one the account's own
// decides.
Result<LoggedEvent> replay_event(pg::Database& db, const mirror::Appliers& appliers,
                                 std::optional<bool> livemode, const std::string& event_id);

}  // namespace payoutd::webhooks
