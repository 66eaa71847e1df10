// Customers.
#pragma once

#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct CustomerOrder {
  std::string email{}, name{}, description{}, phone{}, payment_method{};
  OrderedJson metadata = OrderedJson::object();
};

Document& make_customer(World& world, Account& account, const CustomerOrder& order);
// Attaches the payment method `id` to the customer; nothing where it is "".
void use_method(World& world, Document& customer, const std::string& id);
std::string default_method(const Document& customer);  // "" for none
// Ends its subscriptions, too. What is left is {id, object, deleted}.
void delete_customer(World& world, Document& customer);

}  // namespace payoutd::sim
