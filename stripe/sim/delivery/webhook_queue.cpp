#include "stripe/sim/delivery/webhook_queue.h"

#include <utility>

#include "base/check.h"

namespace payoutd::sim {

void DeliveryQueue::add(Delivery delivery) { ready_.push_back(std::move(delivery)); }

void DeliveryQueue::add_at(Time due, Delivery delivery) {
  waiting_.emplace(due, std::move(delivery));
}

void DeliveryQueue::hold(Delivery delivery, Steady::time_point until) {
  held_.push_back({std::move(delivery), until});
}

void DeliveryQueue::release_due(Time now, Steady::time_point steady_now) {
  const auto end = waiting_.upper_bound(now);
  for (auto due = waiting_.begin(); due != end; ++due) add(std::move(due->second));
  waiting_.erase(waiting_.begin(), end);
  for (Held& held : held_) {
    if (held.until <= steady_now) add(std::move(held.delivery));
  }
  std::erase_if(held_, [&](const Held& held) { return held.until <= steady_now; });
}

void DeliveryQueue::release_held() {
  for (Held& held : held_) add(std::move(held.delivery));
  held_.clear();
}

Delivery DeliveryQueue::take() {
  CHECK(ready());
  Delivery first = std::move(ready_.front());
  ready_.pop_front();
  return first;
}

bool DeliveryQueue::idle(Time now) const {
  const bool due = !waiting_.empty() && waiting_.begin()->first <= now;
  return !due && ready_.empty() && held_.empty();
}

void DeliveryQueue::clear() {
  ready_.clear();
  waiting_.clear();
  held_.clear();
}

}  // namespace payoutd::sim
