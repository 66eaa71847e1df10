#include "stripe/sim/resources/payment_intents.h"

#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

OrderedJson number_or_null(const std::optional<std::int64_t>& number) {
  return number ? OrderedJson(*number) : OrderedJson(nullptr);
}

OrderedJson intent_object(World& world, const Account& account, const IntentOrder& order) {
  const ChargeOrder& c = order.charge;
  const std::string id = world.id("pi", account);
  OrderedJson out{{"id", id},
                  {"object", "payment_intent"},
                  {"amount", c.amount},
                  {"amount_capturable", 0},
                  {"amount_details", {{"tip", OrderedJson::object()}}},
                  {"amount_received", 0}};
  out["application"] =
      account.connected() ? OrderedJson(application_id(world.platform())) : OrderedJson(nullptr);
  out["application_fee_amount"] = number_or_null(c.application_fee);
  out["automatic_payment_methods"] = nullptr;
  out["canceled_at"] = nullptr;
  out["cancellation_reason"] = nullptr;
  out["capture_method"] = c.capture ? "automatic" : "manual";
  out["client_secret"] = world.ids.secret(id + "_secret_", 25);
  out["confirmation_method"] = "automatic";
  out["created"] = world.now;
  out["currency"] = c.currency.str();
  out["customer"] = or_null(c.customer);
  out["customer_account"] = nullptr;
  out["description"] = or_null(c.description);
  out["excluded_payment_method_types"] = nullptr;
  for (const char* field : {"last_payment_error", "latest_charge"}) out[field] = nullptr;
  out["livemode"] = world.livemode;
  out["metadata"] = c.metadata;
  out["next_action"] = nullptr;
  out["on_behalf_of"] = or_null(c.on_behalf_of);
  out["payment_method"] = or_null(c.payment_method);
  out["payment_method_configuration_details"] = nullptr;
  out["payment_method_options"] = OrderedJson::object();
  out["payment_method_types"] = OrderedJson::array({"card"});
  out["processing"] = nullptr;
  out["receipt_email"] = or_null(c.receipt_email);
  for (const char* field : {"review", "setup_future_usage", "shipping", "source"})
    out[field] = nullptr;
  out["statement_descriptor"] = or_null(c.statement_descriptor);
  out["statement_descriptor_suffix"] = nullptr;
  out["status"] = c.payment_method.empty() ? "requires_payment_method" : "requires_confirmation";
  out["transfer_data"] = nullptr;
  if (!c.destination.empty()) {
    out["transfer_data"] = {{"destination", c.destination}};
    if (c.transfer_amount) out["transfer_data"]["amount"] = *c.transfer_amount;
  }
  out["transfer_group"] = or_null(c.transfer_group);
  return out;
}

ChargeOrder charge_of(World& world, const Account& account, const Document& intent) {
  const auto& transfer = intent.json["transfer_data"];
  ChargeOrder order{.amount = intent.num("amount"), .currency = intent.currency()};
  order.card = card_named(world, account, intent.str("payment_method"));
  order.payment_method = intent.str("payment_method");
  order.payment_intent = intent.id;
  order.customer = intent.str("customer");
  order.description = intent.str("description");
  order.transfer_group = intent.str("transfer_group");
  order.on_behalf_of = intent.str("on_behalf_of");
  order.statement_descriptor = intent.str("statement_descriptor");
  order.receipt_email = intent.str("receipt_email");
  if (!transfer.is_null()) {
    order.destination = transfer["destination"].get<std::string>();
    if (transfer.contains("amount")) order.transfer_amount = transfer["amount"].get<std::int64_t>();
  }
  if (!intent.json["application_fee_amount"].is_null())
    order.application_fee = intent.num("application_fee_amount");
  order.capture = intent.str("capture_method") != "manual";
  order.metadata = intent.json["metadata"];
  return order;
}

Refused decline(World& world, Document& intent, const Document& charge) {
  Refusal refusal = declined(charge);
  Edit edit(world, intent);
  edit["status"] = "requires_payment_method";
  edit["latest_charge"] = charge.id;
  edit["last_payment_error"] = {{"charge", charge.id},
                                {"code", refusal.code},
                                {"decline_code", or_null(refusal.decline_code)},
                                {"doc_url", "https://stripe.com/docs/error-codes/" + refusal.code},
                                {"message", refusal.message},
                                {"type", refusal.type}};
  if (const Document* method = world.store.find(intent.str("payment_method")))
    edit["last_payment_error"]["payment_method"] = method->json;
  edit["payment_method"] = nullptr;
  edit.emit("payment_intent.payment_failed");
  refusal.payment_intent = intent.json;
  return Refused(std::move(refusal));
}

}  // namespace

Document& make_intent(World& world, Account& account, const IntentOrder& order) {
  IntentOrder made = order;
  // A test value becomes a payment method of its own, as Stripe's do.
  if (const Card* card = find_card(order.charge.payment_method))
    made.charge.payment_method = make_method(world, account, *card).id;
  Document& intent = world.store.add(account, intent_object(world, account, made));
  emit(world, intent, "payment_intent.created");
  return intent;
}

Try<Document*> confirm_intent(World& world, Account& account, Document& intent) {
  const ChargeOrder order = charge_of(world, account, intent);
  if (order.card->authenticate && !intent.hidden.contains("authenticated")) {
    Edit edit(world, intent);
    edit["status"] = "requires_action";
    edit["next_action"] = {{"type", "use_stripe_sdk"},
                           {"use_stripe_sdk", {{"type", "three_d_secure_redirect"}}}};
    intent.hidden["authenticated"] =
        true;  // the next confirmation finds the customer authenticated
    edit.emit("payment_intent.requires_action");
    return &intent;
  }
  const Document& charge = make_charge(world, account, order);
  if (charge.str("status") == "failed") return decline(world, intent, charge);
  Edit edit(world, intent);
  edit["latest_charge"] = charge.id;
  edit["last_payment_error"] = nullptr;
  edit["next_action"] = nullptr;
  if (!charge.str("transfer_group").empty()) edit["transfer_group"] = charge.str("transfer_group");
  if (order.capture) {
    edit["status"] = "succeeded";
    edit["amount_received"] = intent.num("amount");
    edit.emit("payment_intent.succeeded");
  } else {
    edit["status"] = "requires_capture";
    edit["amount_capturable"] = intent.num("amount");
    edit.emit("payment_intent.amount_capturable_updated");
  }
  return &intent;
}

}  // namespace payoutd::sim
