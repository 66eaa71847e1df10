// Subscriptions and the invoices that they make: one at the start, one a period, each paid by a
// charge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stripe/sim/endpoint.h"

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

struct InvoiceOrder {
  Document* subscription = nullptr;
  std::string reason{};  // "subscription_create", "subscription_cycle"
  std::int64_t period_start = 0, period_end = 0;
};

// Makes the invoice and tries to collect it. Its status tells whether that worked.
Document& bill(World& world, Account& account, const InvoiceOrder& order);
// Tries an open invoice again.
bool collect(World& world, Account& account, Document& invoice);

}  // namespace payoutd::sim
