// The service: every part that runs in one process of `payoutd serve`, built in the order in which
// they need each other and stopped the other way round. Instances are equal; any number may share a
// database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace payoutd::app {

class Service {
 public:
  struct Options {
    Config config;
    Secret database_url;
    const Clock* clock = nullptr;  // the business clock; outlives the service
  };

  // Migrates the database, waits for no one. Errors: those of pg::migrate and http::Server::start.
  // Throws pg::Lost when the database can't be reached.
  static Result<std::unique_ptr<Service>> start(Options options);

  ~Service();  // stops
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"

  // Finishes what was accepted, in bounded time. False: something was cut off.
  bool stop();

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace payoutd::app
