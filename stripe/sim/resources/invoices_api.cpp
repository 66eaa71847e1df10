// /v1/invoices.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/invoices.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Shown> get_invoice(const Ask& ask) {
  auto invoice = named(ask, "invoice");
  if (!invoice) return Refused(invoice.error());
  return *invoice;
}

Try<Shown> list_invoices(const Ask& ask) {
  const auto subscription = ask.params.str("subscription");
  return list_kind(ask, "invoice", [&](const Document& invoice) {
    return matches(ask, invoice, "customer") && matches(ask, invoice, "status") &&
           (subscription.empty() ||
            invoice.json["parent"]["subscription_details"]["subscription"] == subscription);
  });
}

Try<Shown> pay(const Ask& ask) {
  auto invoice = named(ask, "invoice");
  if (!invoice) return Refused(invoice.error());
  if ((*invoice)->str("status") != "open")
    return refuse("", "Invoice is not open and cannot be paid.");
  if (!collect(ask.world, ask.account, **invoice))
    return Refused(Refusal{.status = 402,
                           .type = "card_error",
                           .code = "card_declined",
                           .message = "Your card was declined.",
                           .decline_code = "generic_decline"});
  return *invoice;
}

Try<Shown> void_invoice(const Ask& ask) {
  auto invoice = named(ask, "invoice");
  if (!invoice) return Refused(invoice.error());
  if ((*invoice)->str("status") != "open")
    return refuse("", "Invoice is not open and cannot be voided.");
  Edit edit(ask.world, **invoice);
  edit["status"] = "void";
  edit["status_transitions"]["voided_at"] = ask.world.now;
  edit.emit("invoice.voided");
  return *invoice;
}

}  // namespace

std::vector<Endpoint> invoice_endpoints() {
  return {
      {"GET", "/v1/invoices",
       "list created:range customer subscription status:draft|open|paid|uncollectible|void",
       list_invoices},
      {"GET", "/v1/invoices/:id", "", get_invoice},
      {"POST", "/v1/invoices/:id/pay", "", pay},
      {"POST", "/v1/invoices/:id/void", "", void_invoice},
  };
}

}  // namespace payoutd::sim
