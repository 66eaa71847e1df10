// Products and prices, as far as subscriptions need them.
#pragma once

#include <cstdint>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

struct PriceOrder {
  std::string product{}, product_name{};  // an id, or the name of one to make
  std::int64_t unit_amount = 0;
  Currency currency{};
  std::string interval{};  // "month"; empty: paid once
  std::int64_t interval_count = 1;
  std::string nickname{}, lookup_key{};
};

Document& make_product(World& world, Account& account, const std::string& name);
Document& make_price(World& world, Account& account, const PriceOrder& order);

}  // namespace payoutd::sim
