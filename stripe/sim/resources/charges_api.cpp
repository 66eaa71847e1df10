// POST and GET /v1/charges.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/customers.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<ChargeOrder> read_order_charge(const Ask& ask) {
  const Params& p = ask.params;
  auto customer = referenced(ask, "customer", "customer");
  if (!customer) return Refused(customer.error());
  ChargeOrder order{.amount = *p.num("amount"), .currency = *p.currency("currency")};
  if (auto ok = check_amount(order.amount, order.currency); !ok) return Refused(ok.error());
  auto source = p.str("source");
  if (source.empty() && *customer) source = default_method(**customer);
  if (source.empty())
    return refuse("parameter_missing", "Must provide source or customer.", "source");
  order.card = card_named(ask.world, ask.account, source);
  if (!order.card) return no_such("token", source, "source");
  order.customer = p.str("customer");
  order.description = p.str("description");
  order.transfer_group = p.str("transfer_group");
  order.destination = p.str("transfer_data.destination");
  order.transfer_amount = p.num("transfer_data.amount");
  order.application_fee = p.num("application_fee_amount");
  order.on_behalf_of = p.str("on_behalf_of");
  order.statement_descriptor = p.str("statement_descriptor");
  order.receipt_email = p.str("receipt_email");
  order.capture = p.flag("capture", true);
  OrderedJson holder;
  merge_metadata(holder, p);
  order.metadata = holder["metadata"];
  return order;
}

Try<Shown> create_charge(const Ask& ask) {
  auto order = read_order_charge(ask);
  if (!order) return Refused(order.error());
  if (auto ok = check_charge(ask.world, ask.account, *order); !ok) return Refused(ok.error());
  order->payment_method = ask.world.id("card", ask.account);
  Document& charge = make_charge(ask.world, ask.account, *order);
  if (charge.str("status") == "failed") return Refused(declined(charge));
  return &charge;
}

Try<Shown> capture_charge(const Ask& ask) {
  auto charge = named(ask, "charge");
  if (!charge) return Refused(charge.error());
  if ((*charge)->flag("captured"))
    return refuse("charge_already_captured",
                  fmt::format("Charge {} has already been captured.", (*charge)->id));
  if ((*charge)->str("status") != "succeeded" || (*charge)->flag("refunded"))
    return refuse("charge_expired_for_capture", "Charge cannot be captured.");
  const auto amount = ask.params.num("amount").value_or((*charge)->num("amount"));
  if (amount < 1 || amount > (*charge)->num("amount"))
    return refuse("amount_too_large",
                  "Amount to capture must be no more than the amount authorized.", "amount");
  capture_charge(ask.world, ask.account, **charge, amount,
                 ask.params.num("application_fee_amount"));
  return *charge;
}

Try<Shown> get_charge(const Ask& ask) {
  auto charge = named(ask, "charge");
  if (!charge) return Refused(charge.error());
  return *charge;
}

Try<Shown> update_charge(const Ask& ask) {
  auto charge = named(ask, "charge");
  if (!charge) return Refused(charge.error());
  Edit edit(ask.world, **charge);
  merge_metadata(edit.json(), ask.params);
  for (const char* field : {"description", "receipt_email", "transfer_group"})
    if (ask.params.has(field)) edit[field] = or_null(ask.params.str(field));
  edit.emit_if_changed("charge.updated");
  return *charge;
}

Try<Shown> list_charges(const Ask& ask) {
  return list_kind(ask, "charge", [&](const Document& charge) {
    return matches(ask, charge, "customer") && matches(ask, charge, "payment_intent") &&
           matches(ask, charge, "transfer_group");
  });
}

}  // namespace

std::vector<Endpoint> charge_endpoints() {
  return {
      {"POST", "/v1/charges",
       "amount:int! currency:currency! source customer description metadata:map capture:bool "
       "application_fee_amount:int transfer_data.destination transfer_data.amount:int "
       "transfer_group "
       "on_behalf_of statement_descriptor statement_descriptor_suffix receipt_email shipping:hash",
       create_charge},
      {"GET", "/v1/charges", "list created:range customer payment_intent transfer_group",
       list_charges},
      {"GET", "/v1/charges/:id", "", get_charge},
      {"POST", "/v1/charges/:id",
       "description metadata:map receipt_email transfer_group customer shipping:hash "
       "fraud_details:hash",
       update_charge},
      {"POST", "/v1/charges/:id/capture",
       "amount:int application_fee_amount:int receipt_email statement_descriptor "
       "statement_descriptor_suffix transfer_data.amount:int transfer_group",
       capture_charge},
  };
}

}  // namespace payoutd::sim
