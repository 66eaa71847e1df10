// A running server on a free port, with routes that tests need often.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>

#include "client.h"
#include "http/server.h"

namespace payoutd::http {

// Looks at a fact of another thread until it holds. False: it did not within five seconds.
inline bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class World {
 public:
  explicit World(Limits limits = {}, int workers = 2) {
    options_.port = 0;
    options_.workers = workers;
    options_.limits = limits;
    on(
        "GET", "/hello", [](Context&) { return Reply::text(200, "hello"); }, Runs::on_loop);
    on("GET", "/work", [](Context&) { return Reply::text(200, "worked"); });
    on("POST", "/echo", [](Context& c) { return Reply::text(200, c.request.body); });
    // Ends when gate is released: what a slow database looks like.
    on("GET", "/slow", [this](Context&) {
      ++entered;
      gate.acquire();
      return Reply::text(200, "slow");
    });
  }
  ~World() { gate.release(1'000); }

  void on(std::string method, std::string pattern, Handler handler, Runs runs = Runs::on_worker,
          std::size_t max_body = 64 * 1024) {
    Route route{std::move(method), std::move(pattern), "", std::move(handler)};
    route.runs = runs;
    route.max_body = max_body;
    router.add(std::move(route));
  }
  Server& start() {
    server_ = std::make_unique<Server>(std::move(router), options_);
    EXPECT_TRUE(server_->start());
    return *server_;
  }
  Server& server() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  Client client() { return Client(port()); }
  Answered ask(std::string_view bytes) { return client().ask(bytes); }
  Server::Options& options() { return options_; }

  Router router;
  std::counting_semaphore<> gate{0};
  std::atomic<int> entered = 0;

 private:
  Server::Options options_;
  std::unique_ptr<Server> server_;
};

}  // namespace payoutd::http
