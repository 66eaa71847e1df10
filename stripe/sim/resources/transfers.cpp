#include "stripe/sim/resources/transfers.h"

#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/application_fees.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

// What arrives in the connected account: a charge that was never a card's.
Document& make_payment(World& world, Account& account, const Document& transfer,
                       const TransferOrder& order) {
  const Currency settlement = settlement_currency(account, order.currency);
  const auto gross = convert(order.amount, order.currency, settlement);
  const auto fee = convert(order.application_fee, order.currency, settlement);
  const std::string id = world.id("py", account);
  Posting posting{.type = row::payment,
                  .amount = gross.amount,
                  .currency = settlement,
                  .available_on = order.available_on,
                  .source = id,
                  .rate_millionths = gross.rate_millionths};
  if (fee.amount > 0)
    posting.fees.push_back({.amount = fee.amount,
                            .type = "application_fee",
                            .application = application_id(world.platform()),
                            .description = "Platform application fee"});
  const Row& row = post(world, account, std::move(posting));
  OrderedJson out{{"id", id},
                  {"object", "charge"},
                  {"amount", order.amount},
                  {"amount_captured", order.amount},
                  {"amount_refunded", 0},
                  {"application", nullptr},
                  {"application_fee", nullptr}};
  out["application_fee_amount"] =
      order.application_fee > 0 ? OrderedJson(order.application_fee) : OrderedJson(nullptr);
  out["balance_transaction"] = row.id;
  out["billing_details"] = {{"address", nullptr},
                            {"email", nullptr},
                            {"name", nullptr},
                            {"phone", nullptr},
                            {"tax_id", nullptr}};
  out["calculated_statement_descriptor"] = nullptr;
  out["captured"] = true;
  out["created"] = world.now;
  out["currency"] = order.currency.str();
  for (const char* field : {"customer", "description"}) out[field] = nullptr;
  out["disputed"] = false;
  for (const char* field : {"failure_balance_transaction", "failure_code", "failure_message"})
    out[field] = nullptr;
  out["fraud_details"] = OrderedJson::object();
  out["livemode"] = world.livemode;
  out["metadata"] = OrderedJson::object();
  for (const char* field : {"on_behalf_of", "outcome"}) out[field] = nullptr;
  out["paid"] = true;
  for (const char* field : {"payment_intent", "payment_method"}) out[field] = nullptr;
  out["payment_method_details"] = {{"stripe_account", OrderedJson::object()},
                                   {"type", "stripe_account"}};
  for (const char* field : {"receipt_email", "receipt_number", "receipt_url"}) out[field] = nullptr;
  out["refunded"] = false;
  for (const char* field : {"review", "shipping", "source"}) out[field] = nullptr;
  out["source_transfer"] = transfer.id;
  for (const char* field : {"statement_descriptor", "statement_descriptor_suffix"})
    out[field] = nullptr;
  out["status"] = "succeeded";
  for (const char* field : {"transfer_data", "transfer_group"}) out[field] = nullptr;
  return world.store.add(account, std::move(out));
}

OrderedJson transfer_object(World& world, const Account& platform, const TransferOrder& order) {
  const std::string id = world.id("tr", platform);
  return {
      {"id", id},
      {"object", "transfer"},
      {"amount", order.amount},
      {"amount_reversed", 0},
      {"balance_transaction", nullptr},
      {"created", world.now},
      {"currency", order.currency.str()},
      {"description", or_null(order.description)},
      {"destination", order.destination->id},
      {"destination_payment", nullptr},
      {"livemode", world.livemode},
      {"metadata", order.metadata},
      {"reversals",
       {{"object", "list"},
        {"data", OrderedJson::array()},
        {"has_more", false},
        {"url", "/v1/transfers/" + id + "/reversals"}}},
      {"reversed", false},
      {"source_transaction",
       order.source_transaction ? OrderedJson(order.source_transaction->id) : OrderedJson(nullptr)},
      {"source_type", "card"},
      {"transfer_group", or_null(order.transfer_group)}};
}

// A reversal's counterpart in the connected account: the payment is refunded.
std::string refund_payment(World& world, Document& payment, std::int64_t amount) {
  Account& account = *world.store.account(payment.account);
  const Row& paid = *world.store.row(payment.str("balance_transaction"));
  const auto back = convert(amount, payment.currency(), paid.currency);
  const std::string id = world.id("pyr", account);
  const Row& row =
      post(world, account,
           {.type = row::payment_refund,
            .amount = -back.amount,
            .currency = paid.currency,
            .available_on = std::max(world.now, paid.available ? 0 : paid.available_on),
            .source = id,
            .description = "REFUND FOR PAYMENT",
            .rate_millionths = back.rate_millionths});
  Document& refund = world.store.add(account, {{"id", id},
                                               {"object", "refund"},
                                               {"amount", amount},
                                               {"balance_transaction", row.id},
                                               {"charge", payment.id},
                                               {"created", world.now},
                                               {"currency", payment.str("currency")},
                                               {"customer", nullptr},
                                               {"destination_details", nullptr},
                                               {"metadata", OrderedJson::object()},
                                               {"payment_intent", nullptr},
                                               {"payment_method", nullptr},
                                               {"reason", nullptr},
                                               {"receipt_number", nullptr},
                                               {"source_transfer_reversal", nullptr},
                                               {"status", "succeeded"},
                                               {"transfer_reversal", nullptr}});
  world.store.file_under(payment.id, refund);
  Edit edit(world, payment);
  edit["amount_refunded"] = payment.num("amount_refunded") + amount;
  edit["refunded"] = payment.num("amount_refunded") == payment.num("amount");
  edit.emit("charge.refunded");
  return id;
}

}  // namespace

Document& make_transfer(World& world, Account& platform, const TransferOrder& order) {
  Document& transfer = world.store.add(platform, transfer_object(world, platform, order));
  const Currency settlement = settlement_currency(platform, order.currency);
  const auto gross = convert(order.amount, order.currency, settlement);
  const Row& row = post(world, platform,
                        {.type = row::transfer,
                         .amount = -gross.amount,
                         .currency = settlement,
                         .available_on = order.available_on,
                         .source = transfer.id,
                         .description = order.description,
                         .rate_millionths = gross.rate_millionths});
  const Document& payment = make_payment(world, *order.destination, transfer, order);
  Edit edit(world, transfer);
  edit["balance_transaction"] = row.id;
  edit["destination_payment"] = payment.id;
  edit.emit("transfer.created");
  world.payments.push_back({&transfer, world.cause.idempotency_key});
  return transfer;
}

void transfer_destination_charge(World& world, Account& platform, Document& charge,
                                 std::int64_t available_on) {
  const auto& data = charge.json["transfer_data"];
  const auto group = charge.str("transfer_group");
  TransferOrder order{.amount = data["amount"].is_null() ? charge.num("amount_captured")
                                                         : data["amount"].get<std::int64_t>(),
                      .currency = charge.currency(),
                      .destination = world.store.account(data["destination"].get<std::string>()),
                      .source_transaction = &charge,
                      .available_on = available_on,
                      .application_fee = charge.num("application_fee_amount"),
                      .transfer_group = group.empty() ? "group_" + charge.id.substr(3) : group};
  const Document& transfer = make_transfer(world, platform, order);
  Edit edit(world, charge);
  edit["transfer"] = transfer.id;
  edit["transfer_group"] = order.transfer_group;
  edit.save();
  if (order.application_fee > 0)
    earn_fee_of_destination_charge(
        world, charge, *world.store.find(transfer.str("destination_payment")), available_on);
}

std::int64_t reversible(const Document& transfer) {
  return transfer.num("amount") - transfer.num("amount_reversed");
}

Document& reverse_transfer(World& world, Document& transfer, std::int64_t amount,
                           const std::string& refund, const OrderedJson& metadata) {
  Account& platform = *world.store.account(transfer.account);
  const Row& sent = *world.store.row(transfer.str("balance_transaction"));
  const std::string id = world.id("trr", platform);
  const auto back = convert(amount, transfer.currency(), sent.currency);
  const Row& row =
      post(world, platform,
           {.type = row::transfer_refund,
            .amount = back.amount,
            .currency = sent.currency,
            .available_on = std::max(world.now, sent.available ? 0 : sent.available_on),
            .source = id,
            .description = "REFUND FOR TRANSFER",
            .rate_millionths = back.rate_millionths});
  const std::string payment_refund =
      refund_payment(world, *world.store.find(transfer.str("destination_payment")), amount);
  Document& reversal = world.store.add(platform, {{"id", id},
                                                  {"object", "transfer_reversal"},
                                                  {"amount", amount},
                                                  {"balance_transaction", row.id},
                                                  {"created", world.now},
                                                  {"currency", transfer.str("currency")},
                                                  {"destination_payment_refund", payment_refund},
                                                  {"metadata", metadata},
                                                  {"source_refund", or_null(refund)},
                                                  {"transfer", transfer.id}});
  world.store.file_under(transfer.id, reversal);
  Edit counterpart(world, *world.store.find(payment_refund));
  counterpart["source_transfer_reversal"] = reversal.id;
  counterpart.emit("refund.created");
  Edit edit(world, transfer);
  edit["amount_reversed"] = transfer.num("amount_reversed") + amount;
  edit["reversed"] = reversible(transfer) == 0;
  auto& data = edit["reversals"]["data"];
  data.insert(data.begin(), reversal.json);
  edit.emit("transfer.reversed");
  return reversal;
}

}  // namespace payoutd::sim
