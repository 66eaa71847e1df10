#include "stripe/sim/resources/customers.h"

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/subscriptions.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

OrderedJson customer_object(World& world, const CustomerOrder& order) {
  return {{"id", world.ids.brief("cus")},
          {"object", "customer"},
          {"address", nullptr},
          {"balance", 0},
          {"created", world.now},
          {"currency", nullptr},
          {"default_source", nullptr},
          {"delinquent", false},
          {"description", or_null(order.description)},
          {"discount", nullptr},
          {"email", or_null(order.email)},
          {"invoice_prefix", world.ids.secret("", 8)},
          {"invoice_settings",
           {{"custom_fields", nullptr},
            {"default_payment_method", nullptr},
            {"footer", nullptr},
            {"rendering_options", nullptr}}},
          {"livemode", world.livemode},
          {"metadata", order.metadata},
          {"name", or_null(order.name)},
          {"next_invoice_sequence", 1},
          {"phone", or_null(order.phone)},
          {"preferred_locales", OrderedJson::array()},
          {"shipping", nullptr},
          {"tax_exempt", "none"},
          {"test_clock", nullptr}};
}

}  // namespace

void use_method(World& world, Document& customer, const std::string& id) {
  if (id.empty()) return;
  Edit method(world, *world.store.find(id));
  method["customer"] = customer.id;
  method.save();
}

Document& make_customer(World& world, Account& account, const CustomerOrder& order) {
  OrderedJson json = customer_object(world, order);
  json["invoice_settings"]["default_payment_method"] = or_null(order.payment_method);
  Document& customer = world.store.add(account, std::move(json));
  use_method(world, customer, order.payment_method);
  emit(world, customer, "customer.created");
  return customer;
}

std::string default_method(const Document& customer) {
  const auto settings = customer.json.find("invoice_settings");
  if (settings == customer.json.end()) return "";
  const auto method = settings->find("default_payment_method");
  return method != settings->end() && method->is_string() ? method->get<std::string>() : "";
}

void delete_customer(World& world, Document& customer) {
  Account& account = *world.store.account(customer.account);
  if (const auto it = account.documents.find("subscription"); it != account.documents.end())
    for (Document* subscription : it->second)
      if (subscription->str("customer") == customer.id) cancel_subscription(world, *subscription);
  emit(world, customer, "customer.deleted");
  customer.json = {{"id", customer.id}, {"object", "customer"}, {"deleted", true}};
  customer.listed = false;
  world.store.save(customer);
}

}  // namespace payoutd::sim
