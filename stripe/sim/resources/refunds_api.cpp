// /v1/refunds, also under their charge.
#include <fmt/format.h>

#include "base/money.h"
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/refunds.h"
#include "stripe/sim/resources/transfers.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

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
