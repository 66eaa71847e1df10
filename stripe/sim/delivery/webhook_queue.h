// The deliveries of one endpoint that have not left: some may go now, some wait for a time of the
// simulated clock, some are held back behind the next. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "stripe/sim/delivery/webhook_rules.h"

namespace payoutd::sim {

struct Delivery {
  WebhookEvent event{};
  std::string endpoint_id{};
  int attempts = 0;
  Time first_attempt{};
  bool copy = false;    // of an injected duplicate: neither retried nor counted as acknowledged
  bool shaped = false;  // a fault was already applied to this attempt
};

class DeliveryQueue {
 public:
  using Steady = std::chrono::steady_clock;

  void add(Delivery delivery);
  void add_at(Time due, Delivery delivery);
  void hold(Delivery delivery, Steady::time_point until);  // or until release_held()

  void release_due(Time now, Steady::time_point steady_now);
  void release_held();

  bool ready() const { return !ready_.empty(); }
  Delivery take();  // CHECKs ready()
  std::size_t size() const { return ready_.size() + waiting_.size() + held_.size(); }
  bool idle(Time now) const;  // nothing may go now, or soon
  void clear();

 private:
  struct Held {
    Delivery delivery;
    Steady::time_point until;
  };
  std::deque<Delivery> ready_;
  std::multimap<Time, Delivery> waiting_;
  std::vector<Held> held_;
};

}  // namespace payoutd::sim
