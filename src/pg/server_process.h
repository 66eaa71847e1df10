// Starting PostgreSQL's programs: as its own user when we are root, and never outliving us.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace payoutd::pg {

// Who owns the cluster and runs the server.
struct ServerUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;   // empty where the machine knows only the number
  bool drop = false;  // we are root, and must become this user in the child
};

// Ourselves; as root, the owner of the cluster that is there, or else `postgres`, or else `nobody`.
ServerUser server_user(const std::string& cluster);

std::string user_name(uid_t uid);  // or its number

// Whether `user` may enter `folder`, with every folder on the way to it.
bool may_enter(const ServerUser& user, const std::string& folder);

struct Launch {
  std::vector<std::string> command;  // the first is the program's path
  ServerUser user;
  std::string log;       // what it prints goes there
  int death_signal = 0;  // sent to it when the calling thread ends
};

// The child makes async-signal-safe calls only, so that a sanitizer or other threads don't matter.
Result<pid_t> launch(const Launch& launch);

// Milliseconds; true, and the status of waitpid, when it ended in time.
bool wait_for_exit(pid_t pid, int timeout_ms, int& status);

// The last lines of a log, at most `bytes`.
std::string tail_of(const std::string& log, std::size_t bytes = 2000);

// The folder with `initdb` and `postgres`: /usr/lib/postgresql/*/bin, newest first, or that of the
// major version asked for (0: any); then what `pg_config --bindir` says.
struct ServerPrograms {
  std::string bin;
  int major = 0;
};
Result<ServerPrograms> server_programs(int major);

}  // namespace payoutd::pg
