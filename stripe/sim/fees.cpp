#include "stripe/sim/fees.h"

#include <fmt/format.h>

#include "stripe/sim/accounts.h"
#include "stripe/sim/events.h"
#include "stripe/sim/ledger.h"
#include "stripe/sim/lists.h"

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

Try<Shown> create_fee_refund(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  const auto left = refundable(**fee);
  if (left == 0)
    return refuse("", fmt::format("Application fee {} has already been refunded.", (*fee)->id));
  const auto amount = ask.params.num("amount").value_or(left);
  if (amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (amount > left)
    return refuse("",
                  fmt::format("Refund amount ({}) is greater than unrefunded amount on fee ({}).",
                              amount, left),
                  "amount");
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  return &refund_fee(ask.world, **fee, amount, holder["metadata"]);
}

Try<Shown> list_fee_refunds(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  return list_documents(ask, ask.world.store.under((*fee)->id),
                        [](const Document&) { return true; });
}

Try<Document*> refund_of(const Ask& ask) {
  Document* refund = ask.world.store.find(ask.account, "fee_refund", ask.ids.at(1));
  if (!refund || refund->str("fee") != ask.ids.at(0)) return no_such("fee refund", ask.ids.at(1));
  return refund;
}

Try<Shown> get_fee_refund(const Ask& ask) {
  auto refund = refund_of(ask);
  if (!refund) return Refused(refund.error());
  return *refund;
}

Try<Shown> update_fee_refund(const Ask& ask) {
  auto refund = refund_of(ask);
  if (!refund) return Refused(refund.error());
  Edit edit(ask.world, **refund);
  merge_metadata(edit.json(), ask.params);
  edit.emit_if_changed("application_fee.refund.updated");
  return *refund;
}

Try<Shown> get_fee(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  return *fee;
}

Try<Shown> list_fees(const Ask& ask) {
  return list_kind(ask, "application_fee",
                   [&](const Document& fee) { return matches(ask, fee, "charge"); });
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

std::vector<Endpoint> application_fee_endpoints() {
  constexpr std::string_view kRefunds = "/v1/application_fees/:id/refunds";
  constexpr std::string_view kRefund = "/v1/application_fees/:id/refunds/:id";
  return {
      {"GET", "/v1/application_fees", "list created:range charge", list_fees},
      {"GET", "/v1/application_fees/:id", "", get_fee},
      {"POST", kRefunds, "amount:int metadata:map", create_fee_refund},
      {"GET", kRefunds, "list", list_fee_refunds},
      {"GET", kRefund, "", get_fee_refund},
      {"POST", kRefund, "metadata:map", update_fee_refund},
  };
}

}  // namespace payoutd::sim
