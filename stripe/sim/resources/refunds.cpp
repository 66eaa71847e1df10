#include "stripe/sim/resources/refunds.h"

#include <algorithm>

#include "base/money.h"
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/application_fees.h"
#include "stripe/sim/resources/cards.h"
#include "stripe/sim/resources/transfers.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

OrderedJson refund_object(World& world, const Account& account, const Document& charge,
                          const RefundOrder& order) {
  return {{"id", world.id("re", account)},
          {"object", "refund"},
          {"amount", order.amount},
          {"balance_transaction", nullptr},
          {"charge", charge.id},
          {"created", world.now},
          {"currency", charge.str("currency")},
          {"customer", nullptr},
          {"customer_account", nullptr},
          {"destination_details",
           {{"card",
             {{"reference_status", "pending"},
              {"reference_type", "acquirer_reference_number"},
              {"type", "refund"}}},
            {"type", "card"}}},
          {"metadata", order.metadata},
          {"payment_intent", charge.json["payment_intent"]},
          {"payment_method", nullptr},
          {"reason", or_null(order.reason)},
          {"receipt_number", nullptr},
          {"source_transfer_reversal", nullptr},
          {"status", "succeeded"},
          {"transfer_reversal", nullptr}};
}

void post_refund(World& world, Account& account, const Document& charge, Document& refund) {
  const Row* charged = world.store.row(charge.str("balance_transaction"));
  if (!charged) return;  // never captured: nothing had moved
  const auto back = convert(refund.num("amount"), charge.currency(), charged->currency);
  const Row& row =
      post(world, account,
           {.type = row::refund,
            .amount = -back.amount,
            .currency = charged->currency,
            .available_on = charged->available ? 0 : charged->available_on,
            .source = refund.id,
            .description = "REFUND FOR CHARGE" + (charge.str("description").empty()
                                                      ? std::string()
                                                      : " (" + charge.str("description") + ")"),
            .rate_millionths = back.rate_millionths});
  Edit edit(world, refund);
  edit["balance_transaction"] = row.id;
  edit.save();
}

void take_back_from_others(World& world, const Document& charge, Document& refund,
                           const RefundOrder& order) {
  const auto part = [&](std::int64_t whole) {
    return static_cast<std::int64_t>(static_cast<__int128>(whole) * order.amount /
                                     charge.num("amount"));
  };
  if (Document* transfer = world.store.find(charge.str("transfer"));
      transfer && order.reverse_transfer) {
    const auto amount = std::min(reversible(*transfer), part(transfer->num("amount")));
    if (amount > 0) {
      const Document& reversal =
          reverse_transfer(world, *transfer, amount, refund.id, OrderedJson::object());
      Edit edit(world, refund);
      edit["transfer_reversal"] = reversal.id;
      edit.save();
    }
  }
  if (Document* fee = world.store.find(charge.str("application_fee"));
      fee && order.refund_application_fee) {
    const auto amount = std::min(refundable(*fee), part(fee->num("amount")));
    if (amount > 0) refund_fee(world, *fee, amount, OrderedJson::object());
  }
}

RefundFate fate_of(const Document& charge) {
  const auto it = charge.hidden.find("card");
  const Card* card = it == charge.hidden.end() ? nullptr : find_card(it->get<std::string>());
  return card ? card->refund : RefundFate::succeeds;
}

void plan(World& world, Document& refund, RefundFate fate) {
  const auto when = world.now + world.options.timings.async_refund;
  if (fate == RefundFate::pending_then_succeeds)
    world.at(when, [&refund](World& w) {
      Edit edit(w, refund);
      edit["status"] = "succeeded";
      edit.emit("refund.updated");
      emit(w, refund, "charge.refund.updated");
    });
  if (fate == RefundFate::fails_later)
    world.at(when, [&refund](World& w) { fail_refund(w, refund); });
}

}  // namespace

std::int64_t refundable_of(const Document& charge) {
  return charge.num("amount") - charge.num("amount_refunded");
}

Document& make_refund(World& world, Account& account, Document& charge, const RefundOrder& order) {
  Document& refund = world.store.add(account, refund_object(world, account, charge, order));
  world.store.file_under(charge.id, refund);
  const RefundFate fate = fate_of(charge);
  if (fate == RefundFate::pending_then_succeeds) {
    Edit edit(world, refund);
    edit["status"] = "pending";
    edit.save();
  }
  post_refund(world, account, charge, refund);
  take_back_from_others(world, charge, refund, order);
  emit(world, refund, "refund.created");
  Edit edit(world, charge);
  edit["amount_refunded"] = charge.num("amount_refunded") + order.amount;
  edit["refunded"] = refundable_of(charge) == 0;
  edit.emit("charge.refunded");
  plan(world, refund, fate);
  return refund;
}

void fail_refund(World& world, Document& refund) {
  if (refund.str("status") == "failed") return;
  Account& account = *world.store.account(refund.account);
  const Row* row = world.store.row(refund.str("balance_transaction"));
  Edit edit(world, refund);
  if (row) {
    const Row& back = post(world, account,
                           {.type = row::refund_failure,
                            .amount = -row->amount,
                            .currency = row->currency,
                            .source = refund.id,
                            .description = "REFUND FAILURE"});
    edit["failure_balance_transaction"] = back.id;
  }
  edit["status"] = "failed";
  edit["failure_reason"] = "expired_or_canceled_card";
  edit.emit("refund.failed");
  Document& charge = *world.store.find(refund.str("charge"));
  Edit charge_edit(world, charge);
  charge_edit["amount_refunded"] = charge.num("amount_refunded") - refund.num("amount");
  charge_edit["refunded"] = false;
  charge_edit.emit("charge.refund.updated");
}

}  // namespace payoutd::sim
