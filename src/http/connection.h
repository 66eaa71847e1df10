// One connection as the thread that owns the sockets sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/deadlines.h"
#include "http/framing.h"
#include "http/mailbox.h"
#include "http/router.h"
#include "http/target.h"

namespace payoutd::http {

enum class Phase : std::uint8_t {
  idle,       // no byte of a request has arrived
  head,       // some have
  body,       // the head is whole and accepted
  answering,  // a worker, or a hold, has it; nothing is read meanwhile
  closing,    // the last answer is on its way out
  lingering,  // it is out; what the client still sends is dropped, so that it can read it
};

struct Connection {
  Connection(int socket, std::uint32_t number, std::uint32_t generation, std::string peer,
             const Limits& limits)
      : fd(socket), slot(number), epoch(generation), remote(std::move(peer)), framer(limits) {}

  int fd;
  std::uint32_t slot;
  std::uint32_t epoch;  // tells this connection from the ones that had its slot before
  std::string remote;
  Phase phase = Phase::idle;
  bool readable = false;  // edge-triggered: true until recv says otherwise
  bool writable = true;
  bool half_closed = false;  // the kernel has the client's last byte
  bool ended = false;        // and it has been read
  bool lingers = false;      // closes by way of Phase::lingering
  bool extra = false;        // beyond max_connections: only told so
  bool waits_its_turn = false;
  bool has_asked = false;  // a first request was answered
  Moment accepted;
  Deadlines::Mark deadline;

  std::string in;  // from `begin` on: the request being read, and pipelined ones
  std::size_t begin = 0;
  Framer framer;
  std::string out;
  std::size_t sent = 0;

  // Of the request being read or answered.
  Target target;
  Router::Match match;
  std::uint64_t exchange = 0;
  std::size_t body_bytes = 0;  // that have arrived
  Moment begun;                // when its first byte did
  std::string method;
  std::string request_id;
  Moment started;
  bool keep_alive = true;
  std::optional<Answer> held;    // made, waits for its hold
  std::optional<Error> decided;  // the hold's word, when it came before the reply
  bool released = false;         // the same: it was sent
  bool reset_when_flushed = false;

  std::string_view unread() const { return std::string_view(in).substr(begin); }
};

}  // namespace payoutd::http
