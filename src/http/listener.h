// The socket that takes connections. A second process on the same port is refused, not joined.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace payoutd::http {

class Listener {
 public:
  Listener() = default;
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Errors: refused `port_taken`, invalid `listen_failed`.
  Result<void> open(const std::string& host, std::uint16_t port);
  void close();
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }

  struct Accepted {
    int fd;
    std::string remote;
  };
  // Nothing when nobody waits. Out of file descriptors: the one who waits is turned away.
  std::optional<Accepted> accept();

 private:
  bool turn_one_away();

  int fd_ = -1;
  int spare_fd_ = -1;  // given up for a moment to turn a connection away
  std::uint16_t port_ = 0;
};

// Lifts the process's soft limit of open files towards `wanted`; warns when it stays below.
void allow_open_files(std::size_t wanted);

}  // namespace payoutd::http
