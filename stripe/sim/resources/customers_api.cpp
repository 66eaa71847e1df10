// /v1/customers.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/customers.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<std::string> method_given(const Ask& ask, std::string_view param) {
  const auto id = ask.params.str(param);
  if (id.empty()) return id;
  const Card* card = card_named(ask.world, ask.account, id);
  if (!card) return no_such("PaymentMethod", id, param);
  return find_card(id) ? make_method(ask.world, ask.account, *card).id : id;
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
