// Why the database can't do something now, in words for callers. No message of the server's goes
// into them: those name tables, hosts and users.
#pragma once

#include <exception>
#include <optional>
#include <string_view>

namespace payoutd::pg {

struct Outage {
  std::string_view code;    // stable, for programs: "database_read_only"
  std::string_view reason;  // for people, a clause: "the database takes no writes at the moment"
};

// Of an Unavailable or a Conflict: nothing was committed. Nothing for every other exception.
std::optional<Outage> outage_of(const std::exception& error);

}  // namespace payoutd::pg
