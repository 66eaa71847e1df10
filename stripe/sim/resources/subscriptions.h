// Subscriptions. Each makes an invoice at its start and one each period (invoices.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct SubscriptionOrder {
  Document* customer = nullptr;
  struct Item {
    Document* price = nullptr;
    std::int64_t quantity = 1;
  };
  std::vector<Item> items{};  // at least one, all of one currency and interval
  std::string payment_method{};
  std::int64_t trial_end = 0;  // 0: none
  bool cancel_at_period_end = false;
  OrderedJson metadata = OrderedJson::object();
};

Document& make_subscription(World& world, Account& account, const SubscriptionOrder& order);

// Ends it now. Nothing where it has ended already.
void cancel_subscription(World& world, Document& subscription);

}  // namespace payoutd::sim
