// The embedded server's place on disk: whose it is, who holds it, and where its socket goes.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "pg/server_process.h"

namespace payoutd::pg {

// Held while it lives; the kernel lets go of it with the process, however that ends.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();
  static Result<FolderLock> take(const std::string& folder);

 private:
  int fd_ = -1;
};

struct ServerFolder {
  std::string path;                       // absolute
  std::optional<std::string> instead_of;  // what was wanted and could not be entered
  std::string cluster;                    // path/postgres
  std::string log;
  std::string sockets;  // short enough for a Unix socket's name
  ServerUser user;
  FolderLock lock;
};

// Makes the folder where it is missing, settles whose it is and takes the lock. `fallback` replaces
// it when we are root and the database's user may not enter. Errors as Embedded::start.
Result<ServerFolder> open_folder(const std::string& wanted, const std::string& fallback);

// Whether the cluster is there and complete. Error: something else stands in its place.
Result<bool> has_cluster(const ServerFolder& folder);

// An empty private folder for initdb to fill, and the step that makes it the cluster in one rename,
// so that an interrupted initdb is never taken for a cluster. `durable`: all is on disk before.
Result<std::string> begin_cluster(const ServerFolder& folder);
Result<void> finish_cluster(const ServerFolder& folder, const std::string& made, bool durable);

// The major version that made the cluster; 0 when there is none.
int cluster_version(const ServerFolder& folder);

// The process that serves the cluster, or 0. A postmaster.pid that a crash left behind counts only
// if that process still works in the cluster.
pid_t live_postmaster(const ServerFolder& folder);

// Whether the postmaster `pid` takes connections.
bool postmaster_ready(const ServerFolder& folder, pid_t pid);

// After a crash: the socket, its lock and postmaster.pid would stop the next start when the process
// number in them belongs to somebody else by now. Only when live_postmaster is 0.
void remove_leftovers(const ServerFolder& folder);

// Makes the private folder of the socket.
Result<void> make_sockets(const ServerFolder& folder);

}  // namespace payoutd::pg
