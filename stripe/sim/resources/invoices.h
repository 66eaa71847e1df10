// Invoices: a subscription's demand on its customer, paid by a charge.
#pragma once

#include <cstdint>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

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
