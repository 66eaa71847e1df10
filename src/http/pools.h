// The threads that run handlers: a pool with a queue of its own for each thing that a handler may
// wait for, so that what waits for Stripe never holds the threads that serve reads, and neither
// holds those that say how the service does.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "http/router.h"
#include "http/server.h"
#include "http/workers.h"

namespace payoutd::http {

class Pools {
 public:
  // Only pools that a route runs on get threads.
  Pools(const Router& router, const Server::Options& options);

  Workers& of(Runs runs);  // not on_loop
  std::size_t queued() const;
  void drop_queued();

 private:
  std::array<std::optional<Workers>, 3> pools_;
};

}  // namespace payoutd::http
