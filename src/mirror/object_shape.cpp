#include "mirror/object_shape.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/json.h"
#include "stripe/json_text.h"

namespace payoutd::mirror {
namespace {

using Field = std::string_view;

constexpr Field kAccountFields[] = {"charges_enabled",   "country",         "default_currency",
                                    "details_submitted", "payouts_enabled", "requirements"};
constexpr Field kApplicationFeeFields[] = {
    "account",  "amount",  "amount_refunded", "balance_transaction",
    "charge",   "created", "currency",        "originating_transaction",
    "refunded", "refunds"};
constexpr Field kChargeFields[] = {"amount",
                                   "amount_captured",
                                   "amount_refunded",
                                   "application_fee",
                                   "application_fee_amount",
                                   "balance_transaction",
                                   "captured",
                                   "created",
                                   "currency",
                                   "customer",
                                   "description",
                                   "disputed",
                                   "failure_balance_transaction",
                                   "failure_code",
                                   "on_behalf_of",
                                   "paid",
                                   "payment_intent",
                                   "payment_method_details",
                                   "refunded",
                                   "source_transfer",
                                   "status",
                                   "transfer_data",
                                   "transfer_group"};
constexpr Field kCustomerFields[] = {"balance",    "created", "currency",
                                     "delinquent", "email",   "name"};
constexpr Field kDisputeFields[] = {
    "amount",           "balance_transactions", "charge",         "created", "currency",
    "evidence_details", "is_charge_refundable", "payment_intent", "reason",  "status"};
constexpr Field kFeeRefundFields[] = {"amount", "balance_transaction", "created", "currency",
                                      "fee"};
constexpr Field kPaymentIntentFields[] = {"amount",          "amount_capturable",
                                          "amount_received", "application_fee_amount",
                                          "canceled_at",     "cancellation_reason",
                                          "capture_method",  "created",
                                          "currency",        "customer",
                                          "description",     "last_payment_error",
                                          "latest_charge",   "status",
                                          "transfer_data",   "transfer_group"};
constexpr Field kPayoutFields[] = {"amount",
                                   "arrival_date",
                                   "automatic",
                                   "balance_transaction",
                                   "created",
                                   "currency",
                                   "description",
                                   "destination",
                                   "failure_balance_transaction",
                                   "failure_code",
                                   "failure_message",
                                   "metadata",
                                   "method",
                                   "original_payout",
                                   "reconciliation_status",
                                   "reversed_by",
                                   "source_type",
                                   "statement_descriptor",
                                   "status",
                                   "trace_id",
                                   "type"};
constexpr Field kRefundFields[] = {
    "amount",   "balance_transaction", "charge", "created",
    "currency", "payment_intent",      "reason", "source_transfer_reversal",
    "status",   "transfer_reversal"};
constexpr Field kSubscriptionFields[] = {"cancel_at",      "cancel_at_period_end",
                                         "canceled_at",    "cancellation_details",
                                         "created",        "currency",
                                         "customer",       "discounts",
                                         "ended_at",       "items",
                                         "latest_invoice", "pause_collection",
                                         "start_date",     "status",
                                         "trial_end",      "trial_start"};
constexpr Field kTransferFields[] = {
    "amount",        "amount_reversed", "balance_transaction", "created",
    "currency",      "description",     "destination",         "destination_payment",
    "metadata",      "reversed",        "source_transaction",  "source_type",
    "transfer_group"};

// Stripe's changelog. Before it payouts were transfers, too.
constexpr std::string_view kPayoutsAreTheirOwn = "2017-04-06";
constexpr std::string_view kRequirements = "2019-02-19";    // they replaced `verification`
constexpr std::string_view kBalance = "2019-10-17";         // of a customer, was `account_balance`
constexpr std::string_view kLatestCharge = "2022-11-15";    // replaced the list `charges`
constexpr std::string_view kPeriodsOfItems = "2025-03-31";  // were the subscription's own

constexpr std::size_t kLongestShown = 100;

// The date that an API version begins with; empty for what is none.
std::string_view date_of(std::string_view version) {
  constexpr std::string_view kForm = "0000-00-00";
  if (version.size() < kForm.size()) return {};
  const std::string_view date = version.substr(0, kForm.size());
  for (std::size_t i = 0; i < date.size(); ++i) {
    const bool digit = date[i] >= '0' && date[i] <= '9';
    if (kForm[i] == '-' ? date[i] != '-' : !digit) return {};
  }
  return date;
}

std::string text_at(const simdjson::dom::object& object, std::string_view name) {
  std::string_view text;
  if (object.at_key(name).get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

std::optional<std::string> reason_of(const ObjectShape& shape, std::string_view api_version,
                                     const simdjson::dom::object& object) {
  const std::string type = text_at(object, "object");
  if (type != shape.type) {
    return fmt::format("its object is {}, and \"{}\" is what such an event shows",
                       dump(Json(type.substr(0, kLongestShown))), shape.type);
  }
  if (!shape.since.empty() && date_of(api_version) < shape.since) {
    const std::string version = api_version.empty()
                                    ? "no API version is given: it may write"
                                    : fmt::format("API version \"{}\" writes", api_version);
    return fmt::format("{} the {} otherwise; it is read from {} on", version, shape.type,
                       shape.since);
  }
  const auto absent = std::ranges::find_if(shape.fields, [&](std::string_view field) {
    return object.at_key(field).error() != simdjson::SUCCESS;
  });
  if (absent == shape.fields.end()) return std::nullopt;
  return fmt::format("the {} is a stub: {} is missing", shape.type, *absent);
}

}  // namespace

std::optional<Misfit> misfit(const ObjectShape& shape, std::string_view api_version,
                             std::string_view text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object object;
  if (stripe::parse_text(parser, text, root) != simdjson::SUCCESS ||
      root.get(object) != simdjson::SUCCESS)
    return Misfit{"its object is not JSON", {}};
  auto reason = reason_of(shape, api_version, object);
  if (!reason) return std::nullopt;
  return Misfit{*std::move(reason), text_at(object, "id")};
}

namespace shapes {
constinit const ObjectShape kAccount{"account", kRequirements, kAccountFields};
constinit const ObjectShape kApplication{"application", {}, {}};
constinit const ObjectShape kApplicationFee{"application_fee", kPayoutsAreTheirOwn,
                                            kApplicationFeeFields};
constinit const ObjectShape kCharge{"charge", kPayoutsAreTheirOwn, kChargeFields};
constinit const ObjectShape kCustomer{"customer", kBalance, kCustomerFields};
// That it is gone is all that is read of it.
constinit const ObjectShape kDeletedCustomer{"customer", {}, {}};
constinit const ObjectShape kDispute{"dispute", kPayoutsAreTheirOwn, kDisputeFields};
constinit const ObjectShape kFeeRefund{"fee_refund", kPayoutsAreTheirOwn, kFeeRefundFields};
constinit const ObjectShape kPaymentIntent{"payment_intent", kLatestCharge, kPaymentIntentFields};
constinit const ObjectShape kPayout{"payout", kPayoutsAreTheirOwn, kPayoutFields};
constinit const ObjectShape kRefund{"refund", kPayoutsAreTheirOwn, kRefundFields};
constinit const ObjectShape kSubscription{"subscription", kPeriodsOfItems, kSubscriptionFields};
constinit const ObjectShape kTransfer{"transfer", kPayoutsAreTheirOwn, kTransferFields};
}  // namespace shapes

}  // namespace payoutd::mirror
