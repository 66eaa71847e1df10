// What the thread that owns the sockets and the workers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "http/engine.h"
#include "http/mailbox.h"
#include "http/router.h"
#include "http/server.h"
#include "http/workers.h"

namespace payoutd::http {

struct Tallies {
  std::atomic<std::uint64_t> connections = 0, requests = 0, rejected = 0, timeouts = 0;
  std::atomic<std::size_t> open_connections = 0, in_flight = 0;
};

struct Core {
  Core(Router r, Server::Options o)
      : router(std::move(r)), options(std::move(o)), engine(options.server_name) {}

  const Router router;
  const Server::Options options;
  Engine engine;
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  Tallies tallies;

  // Runs the route's handler on this thread.
  Answer answer(Request& request, const Route& route, Ticket ticket);
  // A refusal of the server's own, in the router's form. `allow` becomes a 405's Allow header.
  Answer refuse(std::string_view method, const std::string& request_id, int status,
                const Error& error, const std::string& allow = {});
};

}  // namespace payoutd::http
