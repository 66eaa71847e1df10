#include "pg/outage.h"

#include "pg/errors.h"

namespace payoutd::pg {
namespace {

constexpr Outage kAway{"database_unavailable", "the database can't be reached at the moment"};
constexpr Outage kCrowded{"database_connections_used_up",
                          "all connections to the database are in use"};
constexpr Outage kReadOnly{"database_read_only", "the database takes no writes at the moment"};
constexpr Outage kFull{"database_full", "the database's disk is full"};
constexpr Outage kExhausted{"database_exhausted", "the database has no resources left for this"};
constexpr Outage kBusy{
    "database_busy", "the database is busy: a lock was not free, or a statement not done, in time"};
constexpr Outage kConflicts{"database_busy",
                            "the database is busy: others change the same rows at the same time"};
constexpr Outage kFailing{"database_failing", "the database's machine fails to read or write"};
constexpr Outage kForbidden{"database_privilege_missing",
                            "the database's role lacks a privilege that payoutd needs"};

Outage outage_of_state(std::string_view sqlstate) {
  if (sqlstate == "25006") return kReadOnly;
  if (sqlstate == "53100") return kFull;
  if (sqlstate == "42501") return kForbidden;
  if (sqlstate.starts_with("53")) return kExhausted;
  if (sqlstate.starts_with("58")) return kFailing;
  return kBusy;
}

}  // namespace

std::optional<Outage> outage_of(const std::exception& error) {
  if (const auto* busy = dynamic_cast<const Busy*>(&error)) return outage_of_state(busy->sqlstate);
  if (dynamic_cast<const Crowded*>(&error) != nullptr) return kCrowded;
  if (dynamic_cast<const Unavailable*>(&error) != nullptr) return kAway;
  if (dynamic_cast<const Conflict*>(&error) != nullptr) return kConflicts;
  return std::nullopt;
}

}  // namespace payoutd::pg
