#include "stripe/sim/resources/application_fees.h"

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

struct Earned {
  std::string account{}, charge{}, originating{};
  std::int64_t amount = 0;
  Currency currency{};
};

Document& earn(World& world, const Earned& earned, std::int64_t available_on) {
  Account& platform = world.platform();
  const std::string id = world.id("fee", platform);
  const Row& row = post(world, platform,
                        {.type = row::application_fee,
                         .amount = earned.amount,
                         .currency = earned.currency,
                         .available_on = available_on,
                         .source = id,
                         .description = "Application fee from " + earned.account});
  OrderedJson fee{{"id", id},
                  {"object", "application_fee"},
                  {"account", earned.account},
                  {"amount", earned.amount},
                  {"amount_refunded", 0},
                  {"application", application_id(platform)},
                  {"balance_transaction", row.id},
                  {"charge", earned.charge},
                  {"created", world.now},
                  {"currency", earned.currency.str()},
                  {"fee_source", {{"charge", earned.charge}, {"type", "charge"}}},
                  {"livemode", world.livemode},
                  {"originating_transaction", or_null(earned.originating)},
                  {"refunded", false},
                  {"refunds",
                   {{"object", "list"},
                    {"data", OrderedJson::array()},
                    {"has_more", false},
                    {"url", "/v1/application_fees/" + id + "/refunds"}}}};
  Document& added = world.store.add(platform, std::move(fee));
  emit(world, added, "application_fee.created");
  return added;
}

}  // namespace

void earn_fee_of_direct_charge(World& world, Account& connected, Document& charge,
                               std::int64_t available_on) {
  const Row& row = *world.store.row(charge.str("balance_transaction"));
  const auto amount = row.fee_details.back().amount;
  const Document& fee =
      earn(world, {connected.id, charge.id, "", amount, row.currency}, available_on);
  Edit edit(world, charge);
  edit["application_fee"] = fee.id;
  edit.save();
}

void earn_fee_of_destination_charge(World& world, Document& charge, Document& payment,
                                    std::int64_t available_on) {
  const Row& row = *world.store.row(payment.str("balance_transaction"));
  const auto amount = row.fee_details.back().amount;
  const Document& fee =
      earn(world, {payment.account, payment.id, charge.id, amount, row.currency}, available_on);
  for (Document* bearer : {&charge, &payment}) {
    Edit edit(world, *bearer);
    edit["application_fee"] = fee.id;
    edit.save();
  }
}

std::int64_t refundable(const Document& fee) {
  return fee.num("amount") - fee.num("amount_refunded");
}

Document& refund_fee(World& world, Document& fee, std::int64_t amount,
                     const OrderedJson& metadata) {
  Account& platform = world.platform();
  Account& connected = *world.store.account(fee.str("account"));
  const std::string id = world.id("fr", platform);
  const Row& row = post(world, platform,
                        {.type = row::application_fee_refund,
                         .amount = -amount,
                         .currency = fee.currency(),
                         .source = id,
                         .description = "REFUND FOR APPLICATION FEE"});
  // Stripe documents no row for the account that gets it back: an adjustment keeps both sides
  // whole.
  post(world, connected,
       {.type = {"adjustment", "other_adjustment"},
        .amount = amount,
        .currency = fee.currency(),
        .source = fee.str("charge"),
        .description = "Application fee refund"});
  Document& refund = world.store.add(platform, {{"id", id},
                                                {"object", "fee_refund"},
                                                {"amount", amount},
                                                {"balance_transaction", row.id},
                                                {"created", world.now},
                                                {"currency", fee.str("currency")},
                                                {"fee", fee.id},
                                                {"metadata", metadata}});
  world.store.file_under(fee.id, refund);
  Edit edit(world, fee);
  edit["amount_refunded"] = fee.num("amount_refunded") + amount;
  edit["refunded"] = refundable(fee) == 0;
  auto& data = edit["refunds"]["data"];
  data.insert(data.begin(), refund.json);
  if (data.size() > kEmbedded) {
    data.erase(data.end() - 1);
    edit["refunds"]["has_more"] = true;
  }
  edit.emit("application_fee.refunded");
  return refund;
}

}  // namespace payoutd::sim
