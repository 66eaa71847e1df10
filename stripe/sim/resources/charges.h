// Charges and what a successful one sets in motion: its row, fees, the application fee, the
// transfer of a destination charge, a dispute.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stripe/sim/api/endpoint.h"
#include "stripe/sim/resources/cards.h"

namespace payoutd::sim {

struct ChargeOrder {
  std::int64_t amount = 0;
  Currency currency{};
  const Card* card = nullptr;
  std::string payment_method{}, payment_intent{}, customer{}, description{}, transfer_group{},
      destination{}, on_behalf_of{}, statement_descriptor{}, receipt_email{};
  std::optional<std::int64_t> application_fee{}, transfer_amount{};
  bool capture = true;
  OrderedJson metadata = OrderedJson::object();
};

// Checks what only a charge that moves money to others has. Errors: no such destination, a fee
// beyond the amount, charges disabled.
Try<void> check_charge(World& world, const Account& account, const ChargeOrder& order);

// Always gives a charge; a declined one has status `failed`, and is told of.
Document& make_charge(World& world, Account& account, const ChargeOrder& order);

// Takes the money of an authorized charge: all of it, or a part and gives back the rest.
void capture_charge(World& world, Account& account, Document& charge, std::int64_t amount,
                    std::optional<std::int64_t> application_fee);

// The refusal that a declined charge is answered with: 402.
Refusal declined(const Document& charge);

// What a parameter `payment_method` or `source` names: a test value, or an object made from one.
const Card* card_named(World& world, const Account& account, const std::string& name);

// When money charged now becomes available.
std::int64_t settles_on(const World& world, const Account& account, const Card& card);

// Minor units below which Stripe refuses to charge.
std::int64_t minimum_charge(Currency currency);
Try<void> check_amount(std::int64_t amount, Currency currency);

}  // namespace payoutd::sim
