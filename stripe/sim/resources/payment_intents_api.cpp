// POST and GET /v1/payment_intents, confirm, capture and cancel.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/payment_intents.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Refused unexpected_state(const Document& intent, std::string_view action) {
  return refuse("payment_intent_unexpected_state",
                fmt::format("This PaymentIntent's status is {}; it could not be {}.",
                            intent.str("status"), action));
}

Try<void> read_parties(const Ask& ask, ChargeOrder& order) {
  auto customer = referenced(ask, "customer", "customer");
  if (!customer) return Refused(customer.error());
  order.customer = ask.params.str("customer");
  order.payment_method = ask.params.str("payment_method");
  if (ask.params.has("payment_method_data"))
    order.payment_method =
        ask.params.str("payment_method_data.card.token",
                       ask.params.str("payment_method_data.card.number", "pm_card_visa"));
  if (order.payment_method.empty()) return {};
  order.card = card_named(ask.world, ask.account, order.payment_method);
  if (!order.card) return no_such("PaymentMethod", order.payment_method, "payment_method");
  return {};
}

Try<IntentOrder> read_order_payment_intent(const Ask& ask) {
  const Params& p = ask.params;
  IntentOrder order{.charge = {.amount = *p.num("amount"), .currency = *p.currency("currency")},
                    .confirm = p.flag("confirm")};
  ChargeOrder& c = order.charge;
  if (auto ok = check_amount(c.amount, c.currency); !ok) return Refused(ok.error());
  if (auto ok = read_parties(ask, c); !ok) return Refused(ok.error());
  c.description = p.str("description");
  c.transfer_group = p.str("transfer_group");
  c.destination = p.str("transfer_data.destination");
  c.transfer_amount = p.num("transfer_data.amount");
  c.application_fee = p.num("application_fee_amount");
  c.on_behalf_of = p.str("on_behalf_of");
  c.statement_descriptor = p.str("statement_descriptor");
  c.receipt_email = p.str("receipt_email");
  c.capture = p.str("capture_method", "automatic") != "manual";
  OrderedJson holder;
  merge_metadata(holder, p);
  c.metadata = holder["metadata"];
  if (order.confirm && c.payment_method.empty())
    return refuse(
        "payment_intent_unexpected_state",
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
        "either "
        "update the PaymentIntent with a payment method and then confirm it again, or confirm it "
        "again directly with a payment method or ConfirmationToken.");
  if (auto ok = check_charge(ask.world, ask.account, c); !ok) return Refused(ok.error());
  return order;
}

Try<Shown> shown(Try<Document*> confirmed) {
  if (!confirmed) return Refused(confirmed.error());
  return *confirmed;
}

Try<Shown> create_payment_intent(const Ask& ask) {
  auto order = read_order_payment_intent(ask);
  if (!order) return Refused(order.error());
  Document& intent = make_intent(ask.world, ask.account, *order);
  if (ask.params.has("automatic_payment_methods")) {
    Edit edit(ask.world, intent);
    edit["automatic_payment_methods"] = {
        {"enabled", ask.params.flag("automatic_payment_methods.enabled")}};
    edit.save();
  }
  return order->confirm ? shown(confirm_intent(ask.world, ask.account, intent)) : Shown(&intent);
}

Try<void> set_method(const Ask& ask, Document& intent) {
  ChargeOrder given;
  if (auto ok = read_parties(ask, given); !ok) return ok;
  if (given.payment_method.empty()) return {};
  Edit edit(ask.world, intent);
  const bool test_value = find_card(given.payment_method) != nullptr;
  edit["payment_method"] =
      test_value ? make_method(ask.world, ask.account, *given.card).id : given.payment_method;
  edit["status"] = "requires_confirmation";
  edit.save();
  return {};
}

bool open(const Document& intent) {
  const auto status = intent.str("status");
  return status == "requires_payment_method" || status == "requires_confirmation" ||
         status == "requires_action";
}

Try<Shown> confirm(const Ask& ask) {
  auto intent = named(ask, "payment_intent");
  if (!intent) return Refused(intent.error());
  if (!open(**intent)) return unexpected_state(**intent, "confirmed");
  if (auto ok = set_method(ask, **intent); !ok) return Refused(ok.error());
  if ((*intent)->str("payment_method").empty())
    return refuse("payment_intent_unexpected_state",
                  "You cannot confirm this PaymentIntent because it's missing a payment method.");
  return shown(confirm_intent(ask.world, ask.account, **intent));
}

Try<Shown> capture_payment_intent(const Ask& ask) {
  auto found = named(ask, "payment_intent");
  if (!found) return Refused(found.error());
  Document& intent = **found;
  if (intent.str("status") != "requires_capture") return unexpected_state(intent, "captured");
  const auto amount = ask.params.num("amount_to_capture").value_or(intent.num("amount"));
  if (amount < 1 || amount > intent.num("amount_capturable"))
    return refuse("amount_too_large",
                  fmt::format("The amount_to_capture must be between 1 and {}.",
                              intent.num("amount_capturable")),
                  "amount_to_capture");
  Document& charge = *ask.world.store.find(intent.str("latest_charge"));
  capture_charge(ask.world, ask.account, charge, amount, ask.params.num("application_fee_amount"));
  Edit edit(ask.world, intent);
  edit["status"] = "succeeded";
  edit["amount_capturable"] = 0;
  edit["amount_received"] = amount;
  edit.emit("payment_intent.succeeded");
  return &intent;
}

Try<Shown> cancel_payment_intent(const Ask& ask) {
  auto found = named(ask, "payment_intent");
  if (!found) return Refused(found.error());
  Document& intent = **found;
  if (!open(intent) && intent.str("status") != "requires_capture")
    return unexpected_state(intent, "canceled");
  if (Document* charge = ask.world.store.find(intent.str("latest_charge"));
      charge && intent.str("status") == "requires_capture") {
    Edit release(ask.world, *charge);
    release["amount_refunded"] = charge->num("amount");
    release["refunded"] = true;
    release.emit("charge.refunded");
  }
  Edit edit(ask.world, intent);
  edit["status"] = "canceled";
  edit["amount_capturable"] = 0;
  edit["canceled_at"] = ask.world.now;
  edit["cancellation_reason"] = or_null(ask.params.str("cancellation_reason"));
  edit.emit("payment_intent.canceled");
  return &intent;
}

Try<Shown> get_payment_intent(const Ask& ask) {
  auto intent = named(ask, "payment_intent");
  if (!intent) return Refused(intent.error());
  return *intent;
}

Try<Shown> update_payment_intent(const Ask& ask) {
  auto intent = named(ask, "payment_intent");
  if (!intent) return Refused(intent.error());
  if (auto ok = set_method(ask, **intent); !ok) return Refused(ok.error());
  Edit edit(ask.world, **intent);
  merge_metadata(edit.json(), ask.params);
  for (const char* field : {"description", "receipt_email", "transfer_group", "customer"})
    if (ask.params.has(field)) edit[field] = or_null(ask.params.str(field));
  if (const auto amount = ask.params.num("amount")) {
    if (!open(**intent)) return unexpected_state(**intent, "updated");
    if (auto ok = check_amount(*amount, (*intent)->currency()); !ok) return Refused(ok.error());
    edit["amount"] = *amount;
  }
  edit.save();
  return *intent;
}

Try<Shown> list_payment_intents(const Ask& ask) {
  return list_kind(ask, "payment_intent",
                   [&](const Document& intent) { return matches(ask, intent, "customer"); });
}

}  // namespace

std::vector<Endpoint> payment_intent_endpoints() {
  return {
      {"POST", "/v1/payment_intents",
       "amount:int! currency:currency! payment_method payment_method_data:hash customer "
       "confirm:bool "
       "capture_method:automatic|automatic_async|manual automatic_payment_methods.enabled:bool "
       "automatic_payment_methods.allow_redirects payment_method_types:list metadata:map "
       "description "
       "application_fee_amount:int transfer_data.destination transfer_data.amount:int "
       "transfer_group "
       "on_behalf_of off_session return_url statement_descriptor statement_descriptor_suffix "
       "receipt_email "
       "setup_future_usage confirmation_method payment_method_options:hash shipping:hash "
       "error_on_requires_action:bool",
       create_payment_intent},
      {"GET", "/v1/payment_intents", "list created:range customer", list_payment_intents},
      {"GET", "/v1/payment_intents/:id", "client_secret", get_payment_intent},
      {"POST", "/v1/payment_intents/:id",
       "amount:int payment_method metadata:map description receipt_email transfer_group customer "
       "shipping:hash",
       update_payment_intent},
      {"POST", "/v1/payment_intents/:id/confirm",
       "payment_method payment_method_data:hash return_url off_session receipt_email "
       "setup_future_usage "
       "capture_method shipping:hash payment_method_options:hash",
       confirm},
      {"POST", "/v1/payment_intents/:id/capture",
       "amount_to_capture:int application_fee_amount:int final_capture:bool metadata:map "
       "statement_descriptor transfer_data.amount:int",
       capture_payment_intent},
      {"POST", "/v1/payment_intents/:id/cancel", "cancellation_reason", cancel_payment_intent},
  };
}

}  // namespace payoutd::sim
