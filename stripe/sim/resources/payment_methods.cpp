#include "stripe/sim/resources/payment_methods.h"

#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/cards.h"

namespace payoutd::sim {
namespace {

OrderedJson method_object(World& world, const Account& account, const Card& card) {
  OrderedJson address;
  for (const char* field : {"city", "country", "line1", "line2", "postal_code", "state"})
    address[field] = nullptr;
  const auto last4 = card.number.substr(card.number.size() - 4);
  return {{"id", world.id("pm", account)},
          {"object", "payment_method"},
          {"allow_redisplay", "unspecified"},
          {"billing_details",
           {{"address", address},
            {"email", nullptr},
            {"name", nullptr},
            {"phone", nullptr},
            {"tax_id", nullptr}}},
          {"card",
           {{"brand", card.brand},
            {"checks",
             {{"address_line1_check", nullptr},
              {"address_postal_code_check", nullptr},
              {"cvc_check", "pass"}}},
            {"country", card.country},
            {"display_brand", card.brand},
            {"exp_month", 8},
            {"exp_year", 2035},
            {"fingerprint", fmt::format("AOB934RVNwzk{}", last4)},
            {"funding", card.funding},
            {"generated_from", nullptr},
            {"last4", last4},
            {"networks", {{"available", OrderedJson::array({card.brand})}, {"preferred", nullptr}}},
            {"regulated_status", nullptr},
            {"three_d_secure_usage", {{"supported", true}}},
            {"wallet", nullptr}}},
          {"created", world.now},
          {"customer", nullptr},
          {"customer_account", nullptr},
          {"livemode", world.livemode},
          {"metadata", OrderedJson::object()},
          {"type", "card"}};
}

}  // namespace

Document& make_method(World& world, Account& account, const Card& card) {
  Document& method = world.store.add(account, method_object(world, account, card));
  method.hidden["card"] = card.number;
  return method;
}

}  // namespace payoutd::sim
