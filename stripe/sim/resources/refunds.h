// Refunds of charges, at once or with a bank's delay.
#pragma once

#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct RefundOrder {
  std::int64_t amount = 0;
  std::string reason{};
  bool reverse_transfer = false, refund_application_fee = false;
  OrderedJson metadata = OrderedJson::object();
};

std::int64_t refundable_of(const Document& charge);

// The caller checked that so much is left.
Document& make_refund(World& world, Account& account, Document& charge, const RefundOrder& order);

// The bank could not give the money back: it returns to the balance.
void fail_refund(World& world, Document& refund);

}  // namespace payoutd::sim
