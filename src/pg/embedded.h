// A PostgreSQL of the program's own, for when no DATABASE_URL is given: made in the data folder at
// the first start, reached through a private Unix socket, stopped with the program, durable.
//
// In the data folder: `postgres` (the cluster, of the database's user), `postgres.log` (of this
// start; `.log.1` of the one before), `run` (the socket) and `lock` (one instance a folder).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace payoutd::pg {

class Embedded {
 public:
  struct Options {
    std::string data_dir;
    int max_connections = 100;
    int start_timeout_ms = 300'000;  // a crashed server replays its log first
    int stop_timeout_ms = 10'000;    // then clients and checkpoint are not waited for any longer
    bool durable = true;  // false only for tests: a commit outlives a kill -9, not a power cut
    // Taken instead of data_dir when the program runs as root and the database's user, which can't
    // be root, may not enter that one.
    std::string root_fallback_dir = "/var/lib/payoutd";
    std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  };

  // Forks, and the server ends with the *thread* that calls this: call it on the main thread,
  // before any other is started. Errors (kind refused), each saying what to do: `data_dir_in_use`,
  // `data_dir_not_ours`, `data_dir_unreachable`, `postgres_missing`, `postgres_failed`.
  static Result<Embedded> start(Options options);

  Embedded(Embedded&&) noexcept;
  Embedded& operator=(Embedded&&) noexcept;
  ~Embedded();  // stops it

  // postgresql://…; there is always a database `payoutd`, whose user of that name may do all.
  Secret url(std::string_view database = "payoutd") const;

  const std::string& folder() const;  // the data folder in use
  pid_t pid() const;                  // of the postmaster; 0 when stopped
  bool running();

  // Ends sessions and writes a checkpoint; after the timeout, as a crash would.
  void stop();
  // Stops if it runs. After a kill() it recovers as after a power cut.
  Result<void> restart();
  // SIGKILL, without a word to the server.
  void kill();

 private:
  struct Server;
  explicit Embedded(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace payoutd::pg
