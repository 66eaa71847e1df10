// Everything in one process with nothing configured: the embedded database, a simulated Stripe with
// a demo platform, the service in front of them, on one business clock that can be moved.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/local_database.h"
#include "app/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "stripe/sim/sim.h"

namespace payoutd::app {

struct DevOptions {
  Config config;  // its Stripe settings are replaced by the simulator's
  Address sim_listen{"127.0.0.1", 12111};
  std::uint64_t seed = 1;
  bool activity = true;  // something happens at the simulated Stripe every few seconds
};

class Dev {
 public:
  // On the main thread, before any other is started; on an embedded database. Errors: those of the
  // database, refused `database_of_a_service`, the ports taken.
  static Result<std::unique_ptr<Dev>> start(DevOptions options, const LocalDatabase& database);

  ~Dev();
  Dev(const Dev&) = delete;
  Dev& operator=(const Dev&) = delete;

  // What a person or a script needs to talk to it.
  struct Access {
    std::string url;
    std::string stripe_api_base;
    Secret stripe_key;
    Secret webhook_secret;               // of the platform's own endpoint
    std::map<std::string, Secret> keys;  // by role, and other_organization
    OrgId organization;
    std::vector<std::string> accounts;  // the default first
  };
  const Access& access() const { return access_; }

  // As Service::stop, whatever faults the simulator has.
  bool stop();

 private:
  Dev() = default;
  Result<void> own_platform(const LocalDatabase& database);
  Result<void> connect_accounts(const Secret& database_url);
  Result<void> start_service(const DevOptions& options, const LocalDatabase& database);

  MovableClock clock_;
  std::unique_ptr<sim::Sim> sim_;
  std::unique_ptr<Service> service_;
  Access access_;
};

}  // namespace payoutd::app
