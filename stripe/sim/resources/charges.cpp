#include "stripe/sim/resources/charges.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"
#include "base/money.h"
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/application_fees.h"
#include "stripe/sim/resources/disputes.h"
#include "stripe/sim/resources/transfers.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

OrderedJson card_details(const ChargeOrder& order) {
  const Card& card = *order.card;
  OrderedJson details{
      {"amount_authorized", order.amount}, {"authorization_code", nullptr}, {"brand", card.brand}};
  details["checks"] = {{"address_line1_check", nullptr},
                       {"address_postal_code_check", nullptr},
                       {"cvc_check", "pass"}};
  details["country"] = card.country;
  details["exp_month"] = 8;
  details["exp_year"] = 2035;
  details["extended_authorization"] = {{"status", "disabled"}};
  details["fingerprint"] =
      fmt::format("AOB934RVNwzk{}", card.number.substr(card.number.size() - 4));
  details["funding"] = card.funding;
  details["incremental_authorization"] = {{"status", "unavailable"}};
  details["installments"] = nullptr;
  details["last4"] = card.number.substr(card.number.size() - 4);
  details["mandate"] = nullptr;
  details["multicapture"] = {{"status", "unavailable"}};
  details["network"] = card.brand;
  details["network_token"] = {{"used", false}};
  details["network_transaction_id"] = nullptr;
  details["overcapture"] = {{"maximum_amount_capturable", order.amount}, {"status", "unavailable"}};
  details["regulated_status"] = nullptr;
  details["three_d_secure"] = nullptr;
  details["wallet"] = nullptr;
  return {{"card", details}, {"type", "card"}};
}

OrderedJson billing_details() {
  OrderedJson address;
  for (const char* field : {"city", "country", "line1", "line2", "postal_code", "state"})
    address[field] = nullptr;
  return {{"address", address},
          {"email", nullptr},
          {"name", nullptr},
          {"phone", nullptr},
          {"tax_id", nullptr}};
}

OrderedJson outcome(const Card& card) {
  const bool ok = card.code.empty();
  return {{"advice_code", nullptr},
          {"network_advice_code", nullptr},
          {"network_decline_code", nullptr},
          {"network_status", ok ? "approved_by_network" : "declined_by_network"},
          {"reason", ok ? OrderedJson(nullptr)
                        : OrderedJson(card.decline_code.empty() ? card.code : card.decline_code)},
          {"risk_level", "normal"},
          {"risk_score", 24},
          {"seller_message", ok ? "Payment complete."
                                : "The bank did not return any further details with this decline."},
          {"type", ok ? "authorized" : "issuer_declined"}};
}

OrderedJson charge_object(World& world, const Account& account, const ChargeOrder& order) {
  const bool ok = order.card->code.empty();
  OrderedJson out{{"id", world.id("ch", account)},
                  {"object", "charge"},
                  {"amount", order.amount},
                  {"amount_captured", 0},
                  {"amount_refunded", 0}};
  const bool direct = order.application_fee && account.connected();
  out["application"] =
      direct ? OrderedJson(application_id(world.platform())) : OrderedJson(nullptr);
  out["application_fee"] = nullptr;
  out["application_fee_amount"] =
      order.application_fee ? OrderedJson(*order.application_fee) : OrderedJson(nullptr);
  out["balance_transaction"] = nullptr;
  out["billing_details"] = billing_details();
  out["calculated_statement_descriptor"] = nullptr;
  out["captured"] = false;
  out["created"] = world.now;
  out["currency"] = order.currency.str();
  out["customer"] = or_null(order.customer);
  out["description"] = or_null(order.description);
  out["disputed"] = false;
  out["failure_balance_transaction"] = nullptr;
  out["failure_code"] = or_null(std::string(order.card->code));
  out["failure_message"] = or_null(std::string(order.card->message));
  out["fraud_details"] = OrderedJson::object();
  out["livemode"] = world.livemode;
  out["metadata"] = order.metadata;
  out["on_behalf_of"] = or_null(order.on_behalf_of);
  out["outcome"] = outcome(*order.card);
  out["paid"] = ok;
  out["payment_intent"] = or_null(order.payment_intent);
  out["payment_method"] = or_null(order.payment_method);
  out["payment_method_details"] = card_details(order);
  out["receipt_email"] = or_null(order.receipt_email);
  out["receipt_number"] = nullptr;
  out["receipt_url"] = nullptr;
  out["refunded"] = false;
  out["review"] = nullptr;
  out["shipping"] = nullptr;
  out["source"] = nullptr;
  out["source_transfer"] = nullptr;
  out["statement_descriptor"] = or_null(order.statement_descriptor);
  out["statement_descriptor_suffix"] = nullptr;
  out["status"] = ok ? "succeeded" : "failed";
  out["transfer_data"] =
      order.destination.empty()
          ? OrderedJson(nullptr)
          : OrderedJson{{"amount", order.transfer_amount ? OrderedJson(*order.transfer_amount)
                                                         : OrderedJson(nullptr)},
                        {"destination", order.destination}};
  out["transfer_group"] = or_null(order.transfer_group);
  return out;
}

std::int64_t processing_fee(const World& world, std::int64_t amount) {
  const auto& pricing = world.options.pricing;
  return (amount * pricing.charge_bps + 5'000) / 10'000 + pricing.charge_fixed;
}

// The application fee in the currency that the charge settles in, never beyond what it brings.
std::int64_t settled_fee(const Document& charge, Currency settlement) {
  return convert(charge.num("application_fee_amount"), charge.currency(), settlement).amount;
}

void post_charge(World& world, Account& account, Document& charge, std::int64_t available_on) {
  const Currency settlement = settlement_currency(account, charge.currency());
  const auto gross = convert(charge.num("amount"), charge.currency(), settlement);
  const auto rest =
      convert(charge.num("amount") - charge.num("amount_captured"), charge.currency(), settlement);
  Posting posting{.type = row::charge,
                  .amount = gross.amount,
                  .currency = settlement,
                  .available_on = available_on,
                  .source = charge.id,
                  .description = charge.str("description"),
                  .rate_millionths = gross.rate_millionths};
  posting.fees.push_back({.amount = processing_fee(world, gross.amount - rest.amount)});
  if (account.connected() && charge.num("application_fee_amount") > 0)
    posting.fees.push_back({.amount = settled_fee(charge, settlement),
                            .type = "application_fee",
                            .application = application_id(world.platform()),
                            .description = "Platform application fee"});
  const Row& row = post(world, account, std::move(posting));
  if (rest.amount > 0)
    post(world, account,
         {.type = row::partial_capture,
          .amount = -rest.amount,
          .currency = settlement,
          .available_on = available_on,
          .source = charge.id,
          .description = "REFUND FOR PARTIAL CAPTURE",
          .rate_millionths = rest.rate_millionths});
  Edit edit(world, charge);
  edit["balance_transaction"] = row.id;
  edit.save();
}

void share_out(World& world, Account& account, Document& charge, std::int64_t available_on) {
  if (account.connected()) {
    if (charge.num("application_fee_amount") > 0)
      earn_fee_of_direct_charge(world, account, charge, available_on);
  } else if (!charge.json["transfer_data"].is_null()) {
    transfer_destination_charge(world, account, charge, available_on);
  }
}

void pull_trigger(World& world, Account& account, Trigger trigger) {
  switch (trigger) {
    case Trigger::none: return;
    case Trigger::next_requirements: return demand(world, account, Demand::more);
    case Trigger::charge_block: return demand(world, account, Demand::more_before_charges);
    case Trigger::payout_block: return demand(world, account, Demand::more_before_payouts);
  }
}

}  // namespace

std::int64_t settles_on(const World& world, const Account& account, const Card& card) {
  if (card.bypass_pending) return world.now;
  return midnight(world.now) + schedule_of(account).delay_days * kDay;
}

std::int64_t minimum_charge(Currency currency) {
  static const std::map<std::string, std::int64_t> kMinimum = {
      {"gbp", 30},     {"aed", 200}, {"myr", 200}, {"pln", 200},  {"ron", 200},
      {"czk", 1500},   {"dkk", 250}, {"nok", 300}, {"sek", 300},  {"hkd", 400},
      {"huf", 17'500}, {"jpy", 50},  {"krw", 50},  {"mxn", 1000}, {"thb", 1000}};
  const auto it = kMinimum.find(currency.str());
  return it == kMinimum.end() ? 50 : it->second;
}

Try<void> check_amount(std::int64_t amount, Currency currency) {
  if (amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (amount < minimum_charge(currency))
    return refuse("amount_too_small",
                  fmt::format("Amount must be at least {} {}",
                              to_decimal({minimum_charge(currency), currency}), currency.str()),
                  "amount");
  constexpr std::int64_t kMost = 999'999'999'999;  // twelve digits
  if (amount > kMost)
    return refuse("amount_too_large",
                  fmt::format("Amount must be no more than {}", to_decimal({kMost, currency})),
                  "amount");
  if (amount % currency.charge_step() != 0)
    return refuse("parameter_invalid_integer",
                  fmt::format("Amounts in {} must be multiples of {}.", currency.str(),
                              currency.charge_step()),
                  "amount");
  return {};
}

Try<void> check_charge(World& world, const Account& account, const ChargeOrder& order) {
  if (!charges_enabled(account))
    return refuse("account_invalid", "Your account cannot currently make live charges.");
  if (order.application_fee &&
      (*order.application_fee < 0 || *order.application_fee > order.amount))
    return refuse("",
                  "The application fee amount must be positive and no more than the charge amount.",
                  "application_fee_amount");
  if (order.transfer_amount &&
      (*order.transfer_amount < 1 || *order.transfer_amount > order.amount))
    return refuse("", "The transfer amount must be positive and no more than the charge amount.",
                  "transfer_data[amount]");
  if (order.destination.empty()) {
    if (order.application_fee && !account.connected())
      return refuse(
          "",
          "Can only apply an application_fee when the request is made on behalf of another "
          "account, or with a destination.",
          "application_fee_amount");
    return {};
  }
  const Account* destination = world.store.account(order.destination);
  if (!destination || destination->platform != account.id)
    return refuse("resource_missing", fmt::format("No such destination: '{}'", order.destination),
                  "transfer_data[destination]");
  if (order.application_fee && order.transfer_amount)
    return refuse("",
                  "You may only specify one of these parameters: application_fee_amount, "
                  "transfer_data[amount].",
                  "application_fee_amount");
  return {};
}

Document& make_charge(World& world, Account& account, const ChargeOrder& order) {
  CHECK(order.card != nullptr);
  Document& charge = world.store.add(account, charge_object(world, account, order));
  charge.hidden["card"] = order.card->number;
  if (charge.str("status") == "failed") {
    emit(world, charge, "charge.failed");
    return charge;
  }
  if (order.capture) {
    capture_charge(world, account, charge, order.amount, {});
  } else {
    charge.hidden["authorized"] = true;
    emit(world, charge, "charge.succeeded");
  }
  return charge;
}

void capture_charge(World& world, Account& account, Document& charge, std::int64_t amount,
                    std::optional<std::int64_t> application_fee) {
  const bool later = charge.hidden.contains("authorized");
  const Card& card = *find_card(charge.hidden["card"].get<std::string>());
  Edit edit(world, charge);
  edit["captured"] = true;
  edit["amount_captured"] = amount;
  if (amount < charge.num("amount")) edit["amount_refunded"] = charge.num("amount") - amount;
  if (application_fee) edit["application_fee_amount"] = *application_fee;
  edit.save();
  const auto available_on = settles_on(world, account, card);
  post_charge(world, account, charge, available_on);
  share_out(world, account, charge, available_on);
  emit(world, charge, later ? "charge.captured" : "charge.succeeded");
  if (card.dispute != Dispute::none) open_dispute(world, account, charge, card.dispute);
  if (account.connected()) pull_trigger(world, account, card.trigger);
}

Refusal declined(const Document& charge) {
  const Card* card = find_card(charge.hidden["card"].get<std::string>());
  return {.status = 402,
          .type = "card_error",
          .code = std::string(card->code),
          .message = std::string(card->message),
          .decline_code = std::string(card->decline_code),
          .charge = charge.id};
}

const Card* card_named(World& world, const Account& account, const std::string& name) {
  if (const Card* card = find_card(name)) return card;
  const Document* method = world.store.find(account, "payment_method", name);
  return method ? find_card(method->hidden["card"].get<std::string>()) : nullptr;
}

}  // namespace payoutd::sim
