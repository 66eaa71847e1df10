#include "stripe/sim/customers.h"

#include "stripe/sim/charges.h"
#include "stripe/sim/events.h"
#include "stripe/sim/lists.h"
#include "stripe/sim/payment_methods.h"
#include "stripe/sim/subscriptions.h"

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

Try<std::string> method_given(const Ask& ask, std::string_view param) {
  const auto id = ask.params.str(param);
  if (id.empty()) return id;
  const Card* card = card_named(ask.world, ask.account, id);
  if (!card) return no_such("PaymentMethod", id, param);
  return find_card(id) ? make_method(ask.world, ask.account, *card).id : id;
}

void use_method(World& world, Document& customer, const std::string& id) {
  if (id.empty()) return;
  Edit method(world, *world.store.find(id));
  method["customer"] = customer.id;
  method.save();
}

Try<Shown> create_customer(const Ask& ask) {
  auto chosen = method_given(ask, "invoice_settings.default_payment_method");
  if (!chosen) return Refused(chosen.error());
  auto attached = method_given(ask, ask.params.has("source") ? "source" : "payment_method");
  if (!attached) return Refused(attached.error());
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  Document& customer = make_customer(ask.world, ask.account,
                                     {.email = ask.params.str("email"),
                                      .name = ask.params.str("name"),
                                      .description = ask.params.str("description"),
                                      .phone = ask.params.str("phone"),
                                      .payment_method = chosen->empty() ? *attached : *chosen,
                                      .metadata = holder["metadata"]});
  return &customer;
}

Try<Shown> get_customer(const Ask& ask) {
  auto customer = named(ask, "customer");
  if (!customer) return Refused(customer.error());
  return *customer;
}

Try<Document*> alive(const Ask& ask) {
  auto customer = named(ask, "customer");
  if (customer && (*customer)->flag("deleted")) return no_such("customer", ask.ids.at(0));
  return customer;
}

Try<Shown> update_customer(const Ask& ask) {
  auto customer = alive(ask);
  if (!customer) return Refused(customer.error());
  auto chosen = method_given(ask, "invoice_settings.default_payment_method");
  if (!chosen) return Refused(chosen.error());
  use_method(ask.world, **customer, *chosen);
  Edit edit(ask.world, **customer);
  merge_metadata(edit.json(), ask.params);
  for (const char* field : {"email", "name", "description", "phone"})
    if (ask.params.has(field)) edit[field] = or_null(ask.params.str(field));
  if (!chosen->empty()) edit["invoice_settings"]["default_payment_method"] = *chosen;
  if (const auto balance = ask.params.num("balance")) edit["balance"] = *balance;
  edit.emit_if_changed("customer.updated");
  return *customer;
}

Try<Shown> remove_customer(const Ask& ask) {
  auto customer = alive(ask);
  if (!customer) return Refused(customer.error());
  delete_customer(ask.world, **customer);
  return *customer;
}

Try<Shown> list_customers(const Ask& ask) {
  return list_kind(ask, "customer",
                   [&](const Document& customer) { return matches(ask, customer, "email"); });
}

constexpr std::string_view kFields =
    "email name description phone balance:int metadata:map source payment_method address:hash "
    "shipping:hash "
    "invoice_settings.default_payment_method preferred_locales:list tax_exempt test_clock";

}  // namespace

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

std::vector<Endpoint> customer_endpoints() {
  return {
      {"POST", "/v1/customers", kFields, create_customer},
      {"GET", "/v1/customers", "list created:range email", list_customers},
      {"GET", "/v1/customers/:id", "", get_customer},
      {"POST", "/v1/customers/:id", kFields, update_customer},
      {"DELETE", "/v1/customers/:id", "", remove_customer},
  };
}

}  // namespace payoutd::sim
