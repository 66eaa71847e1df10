// A reply that waits for its commit. The handler returns the reply it would give; the bytes leave
// when the hold is sent; an error takes their place when the commit failed. A hold outlives a
// connection that was closed and whose socket was used again, and the server: it then does nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace payoutd::http {

class Mailbox;

// One request on one connection. No two requests of a process share an `exchange`.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint64_t exchange = 0;
};

class Hold {
 public:
  Hold() = default;  // holds nothing
  Hold(std::shared_ptr<Mailbox> mailbox, Ticket ticket);
  Hold(Hold&& other) noexcept = default;
  Hold& operator=(Hold&& other) noexcept;
  ~Hold();  // without send() or refuse(): the client gets a 503 with Retry-After

  void send();               // from any thread, once
  void refuse(Error error);  // from any thread, instead of send(), with the request's id

  // Sends them all, waking the server's thread once: what a writer calls after its commit.
  static void send_all(std::span<Hold> holds);

 private:
  void drop() noexcept;

  std::shared_ptr<Mailbox> mailbox_;
  Ticket ticket_;
};

}  // namespace payoutd::http
