#include "stripe/sim/refunds.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/money.h"
#include "stripe/sim/accounts.h"
#include "stripe/sim/cards.h"
#include "stripe/sim/events.h"
#include "stripe/sim/fees.h"
#include "stripe/sim/ledger.h"
#include "stripe/sim/lists.h"
#include "stripe/sim/transfers.h"

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

Try<Document*> charge_of(const Ask& ask) {
  auto charge = referenced(ask, "charge", "charge");
  if (!charge || *charge) return charge;
  auto intent = referenced(ask, "payment_intent", "payment_intent");
  if (!intent) return intent;
  if (!*intent)
    return refuse("parameter_missing",
                  "One of the following params should be provided for this request: "
                  "payment_intent or charge.");
  Document* latest = ask.world.store.find(ask.account, "charge", (*intent)->str("latest_charge"));
  if (!latest || latest->str("status") != "succeeded")
    return refuse(
        "",
        fmt::format("This PaymentIntent ({}) does not have a successful charge to refund.",
                    (*intent)->id),
        "payment_intent");
  return latest;
}

Try<Shown> create_refund(const Ask& ask) {
  auto charge = charge_of(ask);
  if (!charge) return Refused(charge.error());
  const Document& c = **charge;
  if (c.str("status") != "succeeded")
    return refuse("", "This charge did not succeed and cannot be refunded.", "charge");
  const auto left = refundable_of(c);
  if (left == 0)
    return refuse("charge_already_refunded",
                  fmt::format("Charge {} has already been refunded.", c.id));
  if (c.flag("disputed"))
    return refuse("charge_disputed",
                  fmt::format("Charge {} has been charged back; cannot issue a refund.", c.id));
  RefundOrder order{.amount = ask.params.num("amount").value_or(left),
                    .reason = ask.params.str("reason"),
                    .reverse_transfer = ask.params.flag("reverse_transfer"),
                    .refund_application_fee = ask.params.flag("refund_application_fee")};
  if (order.amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (order.amount > left)
    return refuse(
        "",
        fmt::format("Refund amount ({}) is greater than unrefunded amount on charge ({})",
                    to_decimal({order.amount, c.currency()}), to_decimal({left, c.currency()})),
        "amount");
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  order.metadata = holder["metadata"];
  return &make_refund(ask.world, ask.account, **charge, order);
}

Try<Shown> get_refund(const Ask& ask) {
  auto refund = named(ask, "refund");
  if (!refund) return Refused(refund.error());
  return *refund;
}

Try<Shown> update_refund(const Ask& ask) {
  auto refund = named(ask, "refund");
  if (!refund) return Refused(refund.error());
  Edit edit(ask.world, **refund);
  merge_metadata(edit.json(), ask.params);
  edit.emit_if_changed("refund.updated");
  return *refund;
}

Try<Shown> list_refunds(const Ask& ask) {
  return list_kind(ask, "refund", [&](const Document& refund) {
    return matches(ask, refund, "charge") && matches(ask, refund, "payment_intent");
  });
}

Try<Shown> list_of_charge(const Ask& ask) {
  auto charge = named(ask, "charge");
  if (!charge) return Refused(charge.error());
  return list_documents(ask, ask.world.store.under((*charge)->id),
                        [](const Document&) { return true; });
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

std::vector<Endpoint> refund_endpoints() {
  return {
      {"POST", "/v1/refunds",
       "charge payment_intent amount:int reason:duplicate|fraudulent|requested_by_customer "
       "reverse_transfer:bool refund_application_fee:bool metadata:map instructions_email",
       create_refund},
      {"GET", "/v1/refunds", "list created:range charge payment_intent", list_refunds},
      {"GET", "/v1/refunds/:id", "", get_refund},
      {"POST", "/v1/refunds/:id", "metadata:map", update_refund},
      {"GET", "/v1/charges/:id/refunds", "list", list_of_charge},
  };
}

}  // namespace payoutd::sim
