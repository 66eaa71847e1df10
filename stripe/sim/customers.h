// Customers.
#pragma once

#include <string>

#include "stripe/sim/endpoint.h"

namespace payoutd::sim {

struct CustomerOrder {
  std::string email{}, name{}, description{}, phone{}, payment_method{};
  OrderedJson metadata = OrderedJson::object();
};

Document& make_customer(World& world, Account& account, const CustomerOrder& order);
std::string default_method(const Document& customer);  // "" for none
// Ends its subscriptions, too. What is left is {id, object, deleted}.
void delete_customer(World& world, Document& customer);

}  // namespace payoutd::sim
