// POST and GET /v1/transfers, and their reversals.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/application_fees.h"
#include "stripe/sim/resources/transfers.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

constexpr std::int64_t kMostMoved = 999'999'999'999;

// Transfers of one charge may together not pass it.
std::int64_t already_transferred(const Ask& ask, const Document& charge) {
  std::int64_t sum = 0;
  for (const Document* transfer : series_of(ask, "transfer"))
    if (transfer->str("source_transaction") == charge.id) sum += reversible(*transfer);
  return sum;
}

Try<void> fund_from_charge(const Ask& ask, TransferOrder& order) {
  auto charge = referenced(ask, "charge", "source_transaction");
  if (!charge) return Refused(charge.error());
  const Row* row = ask.world.store.row((*charge)->str("balance_transaction"));
  if (!row)
    return refuse("", "The source_transaction has not been captured, or did not succeed.",
                  "source_transaction");
  if (order.currency != row->currency)
    return refuse(
        "",
        fmt::format("The currency of source_transaction's balance transaction ({}) must be the "
                    "same as the transfer currency ({})",
                    row->currency.str(), order.currency.str()),
        "currency");
  if (already_transferred(ask, **charge) + order.amount > row->amount)
    return refuse(
        "",
        "The amount of this transfer and those already made from the source_transaction is "
        "greater than the charge.",
        "amount");
  order.source_transaction = *charge;
  order.available_on = row->available ? 0 : row->available_on;
  if (order.transfer_group.empty()) order.transfer_group = (*charge)->str("transfer_group");
  if (order.transfer_group.empty()) order.transfer_group = "group_" + (*charge)->id.substr(3);
  return {};
}

Try<Account*> destination_transfer(const Ask& ask) {
  const auto id = ask.params.str("destination");
  Account* found = ask.world.store.account(id);
  if (!found || found->platform != ask.account.id)
    return refuse("resource_missing", fmt::format("No such destination: '{}'", id), "destination");
  if (found->object->json["capabilities"].value("transfers", "inactive") != "active")
    return refuse(
        "insufficient_capabilities_for_transfer",
        "Your destination account needs to have at least one of the following capabilities "
        "enabled: transfers, crypto_transfers, legacy_payments",
        "destination");
  return found;
}

Try<Shown> create_transfer(const Ask& ask) {
  TransferOrder order{.amount = *ask.params.num("amount"),
                      .currency = *ask.params.currency("currency"),
                      .description = ask.params.str("description"),
                      .transfer_group = ask.params.str("transfer_group")};
  if (order.amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (order.amount > kMostMoved)
    return refuse("amount_too_large", "Amount must be no more than $9,999,999,999.99", "amount");
  auto to = destination_transfer(ask);
  if (!to) return Refused(to.error());
  order.destination = *to;
  if (!ask.params.str("source_transaction").empty()) {
    if (auto ok = fund_from_charge(ask, order); !ok) return Refused(ok.error());
  } else {
    const Currency settlement = settlement_currency(ask.account, order.currency);
    const auto needed = convert(order.amount, order.currency, settlement).amount;
    if (needed > available(ask.account, settlement))
      return refuse(
          "balance_insufficient",
          "You have insufficient available funds in your Stripe account. Try adding funds directly "
          "to your available balance by creating Charges using the 4000000000000077 test card. "
          "See: https://stripe.com/docs/testing#available-balance");
  }
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  order.metadata = holder["metadata"];
  return &make_transfer(ask.world, ask.account, order);
}

Try<Shown> get_transfer(const Ask& ask) {
  auto transfer = named(ask, "transfer");
  if (!transfer) return Refused(transfer.error());
  return *transfer;
}

Try<Shown> update_transfer(const Ask& ask) {
  auto transfer = named(ask, "transfer");
  if (!transfer) return Refused(transfer.error());
  Edit edit(ask.world, **transfer);
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("description")) edit["description"] = or_null(ask.params.str("description"));
  edit.emit_if_changed("transfer.updated");
  return *transfer;
}

Try<Shown> list_transfers(const Ask& ask) {
  return list_kind(ask, "transfer", [&](const Document& transfer) {
    return matches(ask, transfer, "destination") && matches(ask, transfer, "transfer_group");
  });
}

// A platform takes back only what the connected account still holds.
Try<void> check_funds(const Ask& ask, const Document& transfer, std::int64_t amount) {
  const Document& payment = *ask.world.store.find(transfer.str("destination_payment"));
  const Row& paid = *ask.world.store.row(payment.str("balance_transaction"));
  const auto totals = ask.world.store.account(payment.account)->totals.at(paid.currency);
  const auto needed = convert(amount, payment.currency(), paid.currency).amount;
  if (needed <= totals.available ||
      (!paid.available && needed <= totals.available + totals.pending))
    return {};
  return refuse(
      "balance_insufficient",
      "The recipient's account does not have sufficient funds in their available card balance to "
      "cover this amount.");
}

Try<Shown> reverse_transfer(const Ask& ask) {
  auto transfer = named(ask, "transfer");
  if (!transfer) return Refused(transfer.error());
  const auto left = reversible(**transfer);
  if (left == 0)
    return refuse("", fmt::format("Transfer {} is already fully reversed.", (*transfer)->id));
  const auto amount = ask.params.num("amount").value_or(left);
  if (amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (amount > left)
    return refuse(
        "",
        fmt::format("Reversal amount ({}) is greater than unreversed amount on transfer ({}).",
                    amount, left),
        "amount");
  if (auto ok = check_funds(ask, **transfer, amount); !ok) return Refused(ok.error());
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  Document& reversal = reverse_transfer(ask.world, **transfer, amount, "", holder["metadata"]);
  if (ask.params.flag("refund_application_fee")) {
    const Document& payment = *ask.world.store.find((*transfer)->str("destination_payment"));
    if (Document* fee = ask.world.store.find(payment.str("application_fee"));
        fee && refundable(*fee) > 0)
      refund_fee(
          ask.world, *fee,
          std::min(refundable(*fee), fee->num("amount") * amount / (*transfer)->num("amount")),
          OrderedJson::object());
  }
  return &reversal;
}

Try<Shown> list_reversals(const Ask& ask) {
  auto transfer = named(ask, "transfer");
  if (!transfer) return Refused(transfer.error());
  return list_documents(ask, ask.world.store.under((*transfer)->id),
                        [](const Document&) { return true; });
}

Try<Shown> get_reversal(const Ask& ask) {
  Document* reversal = ask.world.store.find(ask.account, "transfer_reversal", ask.ids.at(1));
  if (!reversal || reversal->str("transfer") != ask.ids.at(0))
    return no_such("transfer reversal", ask.ids.at(1));
  return reversal;
}

}  // namespace

std::vector<Endpoint> transfer_endpoints() {
  constexpr std::string_view kReversals = "/v1/transfers/:id/reversals";
  return {
      {"POST", "/v1/transfers",
       "amount:int! currency:currency! destination! source_transaction "
       "source_type:card|bank_account|fpx "
       "transfer_group description metadata:map",
       create_transfer},
      {"GET", "/v1/transfers", "list created:range destination transfer_group", list_transfers},
      {"GET", "/v1/transfers/:id", "", get_transfer},
      {"POST", "/v1/transfers/:id", "description metadata:map", update_transfer},
      {"POST", kReversals, "amount:int description metadata:map refund_application_fee:bool",
       reverse_transfer},
      {"GET", kReversals, "list", list_reversals},
      {"GET", "/v1/transfers/:id/reversals/:id", "", get_reversal},
  };
}

}  // namespace payoutd::sim
