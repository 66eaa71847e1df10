// Stands between a client and PostgreSQL on a Unix socket, and cuts the line at a COMMIT.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/secret.h"

namespace payoutd::pg {

enum class Cut {
  never,
  before_commit,  // the server never hears of it
  after_commit,   // the server has done it, and the client never hears of that
};

class Proxy {
 public:
  // `server` is the folder of the server's socket.
  explicit Proxy(std::string server);
  ~Proxy();

  Secret url(const std::string& database) const;
  void set(Cut cut) { cut_ = cut; }

 private:
  void accept_all();
  void relay(int client);
  bool forward(int from, int to, bool to_server, Cut& pending);

  std::string server_;
  std::string folder_;
  int listener_ = -1;
  std::atomic<Cut> cut_{Cut::never};
  std::atomic<bool> ends_{false};
  std::mutex mutex_;
  std::vector<std::jthread> relays_;
  std::jthread acceptor_;
};

}  // namespace payoutd::pg
