// /v1/payment_methods and /v1/tokens.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/cards.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Shown> create_payment_method(const Ask& ask) {
  const auto token = ask.params.str("card.token", ask.params.str("card.number"));
  const Card* card = find_card(token);
  if (!card) return no_such("token", token, "card");
  Document& method = make_method(ask.world, ask.account, *card);
  Edit edit(ask.world, method);
  merge_metadata(edit.json(), ask.params);
  edit.save();
  return &method;
}

Try<Shown> get_payment_method(const Ask& ask) {
  auto method = named(ask, "payment_method");
  if (!method) return Refused(method.error());
  return *method;
}

Try<Shown> attach(const Ask& ask) {
  auto customer = referenced(ask, "customer", "customer");
  if (!customer) return Refused(customer.error());
  Document* method = ask.world.store.find(ask.account, "payment_method", ask.ids.at(0));
  if (const Card* card = find_card(ask.ids.at(0)); !method && card)
    method = &make_method(ask.world, ask.account, *card);
  if (!method) return no_such("PaymentMethod", ask.ids.at(0));
  Edit edit(ask.world, *method);
  edit["customer"] = (*customer)->id;
  edit.emit("payment_method.attached");
  return method;
}

Try<Shown> detach(const Ask& ask) {
  auto method = named(ask, "payment_method");
  if (!method) return Refused(method.error());
  Edit edit(ask.world, **method);
  edit["customer"] = nullptr;
  edit.emit("payment_method.detached");
  return *method;
}

Try<Shown> list_payment_methods(const Ask& ask) {
  return list_kind(ask, "payment_method",
                   [&](const Document& method) { return matches(ask, method, "customer"); });
}

// A token is used up by what it becomes: it needs no record of its own here.
Try<Shown> create_token(const Ask& ask) {
  const auto number = ask.params.str("card.number");
  const Card* card = find_card(number);
  if (!card)
    return Refused(Refusal{.status = 402,
                           .type = "card_error",
                           .code = "incorrect_number",
                           .message = "Your card number is incorrect.",
                           .param = "number"});
  return OrderedJson{
      {"id", card->token},
      {"object", "token"},
      {"card",
       {{"brand", card->brand}, {"last4", number.substr(number.size() - 4)}, {"object", "card"}}},
      {"client_ip", nullptr},
      {"created", ask.now},
      {"livemode", ask.world.livemode},
      {"type", "card"},
      {"used", false}};
}

}  // namespace

std::vector<Endpoint> payment_method_endpoints() {
  return {
      {"POST", "/v1/payment_methods", "type:card! card:hash! billing_details:hash metadata:map",
       create_payment_method},
      {"GET", "/v1/payment_methods", "list customer type", list_payment_methods},
      {"GET", "/v1/payment_methods/:id", "", get_payment_method},
      {"POST", "/v1/payment_methods/:id/attach", "customer!", attach},
      {"POST", "/v1/payment_methods/:id/detach", "", detach},
      {"POST", "/v1/tokens", "card:hash!", create_token},
  };
}

}  // namespace payoutd::sim
