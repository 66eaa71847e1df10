#include "stripe/sim/resources/invoices.h"

#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/customers.h"
#include "stripe/sim/resources/payment_intents.h"
#include "stripe/sim/resources/subscriptions.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

OrderedJson line_of(World& world, const InvoiceOrder& order, const OrderedJson& item,
                    const std::string& invoice) {
  const auto& price = item["price"];
  const auto quantity = item["quantity"].get<std::int64_t>();
  const auto amount = price["unit_amount"].get<std::int64_t>() * quantity;
  return {{"id", world.ids.brief("il")},
          {"object", "line_item"},
          {"amount", amount},
          {"currency", price["currency"]},
          {"description",
           fmt::format("{} × {}", quantity,
                       price["nickname"].is_null() ? "Subscription"
                                                   : price["nickname"].get<std::string>())},
          {"discount_amounts", OrderedJson::array()},
          {"discountable", true},
          {"discounts", OrderedJson::array()},
          {"invoice", invoice},
          {"livemode", world.livemode},
          {"metadata", OrderedJson::object()},
          {"parent",
           {{"invoice_item_details", nullptr},
            {"subscription_item_details",
             {{"invoice_item", nullptr},
              {"proration", false},
              {"proration_details", nullptr},
              {"subscription", order.subscription->id},
              {"subscription_item", item["id"]}}},
            {"type", "subscription_item_details"}}},
          {"period", {{"end", order.period_end}, {"start", order.period_start}}},
          {"pretax_credit_amounts", OrderedJson::array()},
          {"pricing",
           {{"price_details", {{"price", price["id"]}, {"product", price["product"]}}},
            {"type", "price_details"},
            {"unit_amount_decimal", price["unit_amount_decimal"]}}},
          {"quantity", quantity},
          {"subtotal", amount},
          {"taxes", OrderedJson::array()}};
}

OrderedJson lines_of(World& world, const InvoiceOrder& order, const std::string& invoice) {
  OrderedJson data = OrderedJson::array();
  for (const auto& item : order.subscription->json["items"]["data"])
    data.push_back(line_of(world, order, item, invoice));
  return {{"object", "list"},
          {"data", data},
          {"has_more", false},
          {"url", "/v1/invoices/" + invoice + "/lines"}};
}

OrderedJson invoice_object(World& world, const Account& account, const InvoiceOrder& order,
                           const Document& customer) {
  const std::string id = world.id("in", account);
  const OrderedJson lines = lines_of(world, order, id);
  std::int64_t total = 0;
  for (const auto& line : lines["data"]) total += line["amount"].get<std::int64_t>();
  OrderedJson out{
      {"id", id}, {"object", "invoice"}, {"account_country", account.object->json["country"]}};
  for (const char* field : {"account_name", "account_tax_ids"}) out[field] = nullptr;
  out["amount_due"] = total;
  for (const char* field : {"amount_overpaid", "amount_paid"}) out[field] = 0;
  out["amount_remaining"] = total;
  out["amount_shipping"] = 0;
  out["application"] = nullptr;
  out["attempt_count"] = 0;
  out["attempted"] = false;
  out["auto_advance"] = true;
  out["automatic_tax"] = {{"disabled_reason", nullptr},
                          {"enabled", false},
                          {"liability", nullptr},
                          {"provider", nullptr},
                          {"status", nullptr}};
  out["automatically_finalizes_at"] = nullptr;
  out["billing_reason"] = order.reason;
  out["collection_method"] = "charge_automatically";
  out["created"] = world.now;
  out["currency"] = order.subscription->str("currency");
  out["custom_fields"] = nullptr;
  out["customer"] = customer.id;
  for (const char* field : {"customer_account", "customer_address"}) out[field] = nullptr;
  out["customer_email"] = customer.json.value("email", OrderedJson());
  out["customer_name"] = customer.json.value("name", OrderedJson());
  for (const char* field : {"customer_phone", "customer_shipping"}) out[field] = nullptr;
  out["customer_tax_exempt"] = "none";
  out["customer_tax_ids"] = OrderedJson::array();
  for (const char* field : {"default_payment_method", "default_source"}) out[field] = nullptr;
  out["default_tax_rates"] = OrderedJson::array();
  out["description"] = nullptr;
  out["discounts"] = OrderedJson::array();
  out["due_date"] = nullptr;
  out["effective_at"] = world.now;
  out["ending_balance"] = 0;
  for (const char* field : {"footer", "from_invoice", "hosted_invoice_url", "invoice_pdf"})
    out[field] = nullptr;
  out["issuer"] = {{"type", "self"}};
  for (const char* field : {"last_finalization_error", "latest_revision"}) out[field] = nullptr;
  out["lines"] = lines;
  out["livemode"] = world.livemode;
  out["metadata"] = OrderedJson::object();
  out["next_payment_attempt"] = nullptr;
  out["number"] = fmt::format("{}-{:04}", customer.str("invoice_prefix"),
                              customer.num("next_invoice_sequence"));
  out["on_behalf_of"] = nullptr;
  out["parent"] = {{"quote_details", nullptr},
                   {"subscription_details",
                    {{"metadata", order.subscription->json["metadata"]},
                     {"subscription", order.subscription->id}}},
                   {"type", "subscription_details"}};
  out["payment_settings"] = {{"default_mandate", nullptr},
                             {"payment_method_options", nullptr},
                             {"payment_method_types", nullptr}};
  out["period_end"] = order.period_end;
  out["period_start"] = order.period_start;
  for (const char* field : {"post_payment_credit_notes_amount", "pre_payment_credit_notes_amount"})
    out[field] = 0;
  for (const char* field : {"receipt_number", "rendering", "shipping_cost", "shipping_details"})
    out[field] = nullptr;
  out["starting_balance"] = 0;
  out["statement_descriptor"] = nullptr;
  out["status"] = "open";
  out["status_transitions"] = {{"finalized_at", world.now},
                               {"marked_uncollectible_at", nullptr},
                               {"paid_at", nullptr},
                               {"voided_at", nullptr}};
  out["subtotal"] = total;
  out["subtotal_excluding_tax"] = total;
  out["test_clock"] = nullptr;
  out["total"] = total;
  out["total_discount_amounts"] = OrderedJson::array();
  out["total_excluding_tax"] = total;
  out["total_pretax_credit_amounts"] = OrderedJson::array();
  out["total_taxes"] = OrderedJson::array();
  out["webhooks_delivered_at"] = world.now;
  return out;
}

void mark_paid(World& world, Document& invoice, const std::string& intent) {
  Edit edit(world, invoice);
  edit["status"] = "paid";
  edit["amount_paid"] = invoice.num("amount_due");
  edit["amount_remaining"] = 0;
  edit["next_payment_attempt"] = nullptr;
  edit["status_transitions"]["paid_at"] = world.now;
  if (!intent.empty()) invoice.hidden["payment_intent"] = intent;
  edit.emit("invoice.paid");
  emit(world, invoice, "invoice.payment_succeeded");
}

}  // namespace

Document& bill(World& world, Account& account, const InvoiceOrder& order) {
  Document& customer = *world.store.find(order.subscription->str("customer"));
  Document& invoice = world.store.add(account, invoice_object(world, account, order, customer));
  customer.json["next_invoice_sequence"] = customer.num("next_invoice_sequence") + 1;
  world.store.save(customer);
  emit(world, invoice, "invoice.created");
  emit(world, invoice, "invoice.finalized");
  collect(world, account, invoice);
  return invoice;
}

bool collect(World& world, Account& account, Document& invoice) {
  if (invoice.num("amount_due") == 0) {
    mark_paid(world, invoice, "");
    return true;
  }
  const auto& details = invoice.json["parent"]["subscription_details"];
  Document& subscription = *world.store.find(details["subscription"].get<std::string>());
  auto method = subscription.str("default_payment_method");
  const Document& customer = *world.store.find(invoice.str("customer"));
  if (method.empty()) method = default_method(customer);
  bool paid = false;
  std::string intent_id;
  if (card_named(world, account, method)) {
    IntentOrder order{
        .charge = {.amount = invoice.num("amount_due"), .currency = invoice.currency()}};
    order.charge.payment_method = method;
    order.charge.customer = customer.id;
    order.charge.description =
        "Subscription " +
        std::string(invoice.str("billing_reason") == "subscription_create" ? "creation" : "update");
    Document& intent = make_intent(world, account, order);
    intent_id = intent.id;
    paid =
        confirm_intent(world, account, intent).has_value() && intent.str("status") == "succeeded";
  }
  invoice.json["attempt_count"] = invoice.num("attempt_count") + 1;
  invoice.json["attempted"] = true;
  if (paid) {
    mark_paid(world, invoice, intent_id);
  } else {
    Edit edit(world, invoice);
    edit["next_payment_attempt"] = world.now + 3 * kDay;
    edit.emit("invoice.payment_failed");
  }
  return paid;
}

}  // namespace payoutd::sim
