// Being woken by the database: LISTEN on a connection of its own, so that a worker need not ask
// every moment. A notification is a hint and may be lost with the connection; what there is to do
// stands in tables. Send one with SELECT pg_notify('channel', 'payload') inside the transaction
// that made work.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"

namespace payoutd::pg {

class Connection;

struct Notification {
  std::string channel;
  std::string payload;
};

struct Woken {
  std::vector<Notification> notifications;
  bool look_anyway = false;  // the connection is a fresh one: some may have been missed
};

// For one thread; only interrupt() may be called by others.
class Listener {
 public:
  struct Options {
    Secret url;
    std::vector<std::string> channels;  // 1 or more
    std::string application_name = "payoutd listen";
  };
  // Connects when first waited on.
  explicit Listener(Options options);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Returns with the first notifications, after interrupt(), or after `timeout_ms` with nothing.
  // While the database is away it tries to connect again and again, and never throws Lost.
  Woken wait(int timeout_ms);

  // Ends the wait that runs, or else the next one. For any thread.
  void interrupt();

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  bool connect(Deadline deadline);
  std::vector<Notification> arrived();
  bool interrupted();
  bool wait_for(int socket, Deadline deadline);

  Options options_;
  std::unique_ptr<Connection> connection_;
  int wake_ = -1;  // an eventfd
};

}  // namespace payoutd::pg
