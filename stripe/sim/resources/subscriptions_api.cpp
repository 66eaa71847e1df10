// POST, GET and DELETE /v1/subscriptions, and resume.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/charges.h"
#include "stripe/sim/resources/customers.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/resources/products.h"
#include "stripe/sim/resources/subscriptions.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Document*> price_of(const Ask& ask, const Params& item) {
  if (const auto id = item.str("price"); !id.empty()) {
    Document* price = ask.world.store.find(ask.account, "price", id);
    if (!price) return no_such("price", id, "items[0][price]");
    return price;
  }
  const auto currency = item.currency("price_data.currency");
  const auto product = item.str("price_data.product");
  const auto amount = item.num("price_data.unit_amount");
  if (!currency || !amount || *amount < 0 || *amount > 99'999'999 ||
      !ask.world.store.find(ask.account, "product", product))
    return refuse("parameter_missing", "Missing required param: items[0][price].",
                  "items[0][price]");
  return &make_price(ask.world, ask.account,
                     {.product = product,
                      .unit_amount = *amount,
                      .currency = *currency,
                      .interval = item.str("price_data.recurring.interval", "month")});
}

Try<std::vector<SubscriptionOrder::Item>> items_of(const Ask& ask) {
  std::vector<SubscriptionOrder::Item> out;
  for (const Json& given : *ask.params.find("items")) {
    const Params item(given);
    auto price = price_of(ask, item);
    if (!price) return Refused(price.error());
    if ((*price)->json["recurring"].is_null())
      return refuse(
          "",
          "The price specified is set to `type=one_time` but this field only accepts prices with "
          "`type=recurring`.",
          "items[0][price]");
    out.push_back({*price, item.num("quantity").value_or(1)});
    if (out.back().quantity < 0 || out.back().quantity > 1'000'000)
      return refuse("parameter_invalid_integer", "Invalid quantity.", "items[0][quantity]");
    if (out.back().price->str("currency") != out.front().price->str("currency"))
      return refuse("", "All prices on a subscription must have the same currency.", "items");
  }
  if (out.empty()) return refuse("parameter_missing", "Missing required param: items.", "items");
  return out;
}

Try<std::string> method_of(const Ask& ask) {
  const auto id = ask.params.str("default_payment_method");
  if (id.empty()) return id;
  const Card* card = card_named(ask.world, ask.account, id);
  if (!card) return no_such("PaymentMethod", id, "default_payment_method");
  return find_card(id) ? make_method(ask.world, ask.account, *card).id : id;
}

Try<Shown> create_subscription(const Ask& ask) {
  auto customer = referenced(ask, "customer", "customer");
  if (!customer) return Refused(customer.error());
  auto items = items_of(ask);
  if (!items) return Refused(items.error());
  auto method = method_of(ask);
  if (!method) return Refused(method.error());
  SubscriptionOrder order{.customer = *customer, .items = *items, .payment_method = *method};
  if (const auto days = ask.params.num("trial_period_days"); days && *days > 0 && *days <= 730)
    order.trial_end = ask.world.now + *days * kDay;
  if (const auto end = ask.params.num("trial_end"); end && *end > ask.world.now)
    order.trial_end = *end;
  if (order.trial_end > ask.world.now + 730 * kDay)
    return refuse("", "Invalid timestamp: can be no more than two years in the future.",
                  "trial_end");
  if (order.trial_end == 0 && order.payment_method.empty() && default_method(**customer).empty())
    return refuse(
        "resource_missing",
        "This customer has no attached payment source or default payment method. Please consider "
        "adding a default payment method.");
  order.cancel_at_period_end = ask.params.flag("cancel_at_period_end");
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  order.metadata = holder["metadata"];
  return &make_subscription(ask.world, ask.account, order);
}

Try<Shown> get_subscription(const Ask& ask) {
  auto subscription = named(ask, "subscription");
  if (!subscription) return Refused(subscription.error());
  return *subscription;
}

void change_quantities(World& world, Document& subscription, const Json& items) {
  for (const Json& given : items) {
    const Params item(given);
    const auto quantity = item.num("quantity");
    if (!quantity || *quantity < 0) continue;
    for (auto& own : subscription.json["items"]["data"])
      if (own["id"] == item.str("id")) own["quantity"] = *quantity;
    for (Document* own : world.store.under(subscription.id)) {
      if (own->id != item.str("id")) continue;
      own->json["quantity"] = *quantity;
      world.store.save(*own);
    }
  }
}

Try<Shown> list_items(const Ask& ask) {
  auto subscription = referenced(ask, "subscription", "subscription");
  if (!subscription) return Refused(subscription.error());
  return list_documents(ask, ask.world.store.under((*subscription)->id),
                        [](const Document&) { return true; });
}

Try<Shown> update_subscription(const Ask& ask) {
  auto found = named(ask, "subscription");
  if (!found) return Refused(found.error());
  if ((*found)->str("status") == "canceled")
    return refuse("",
                  "A canceled subscription can only update its cancellation_details and metadata.");
  auto method = method_of(ask);
  if (!method) return Refused(method.error());
  const Params& p = ask.params;
  Edit edit(ask.world, **found);
  merge_metadata(edit.json(), p);
  if (!method->empty()) edit["default_payment_method"] = *method;
  if (p.has("description")) edit["description"] = or_null(p.str("description"));
  if (p.has("cancel_at_period_end")) {
    const bool ends = p.flag("cancel_at_period_end");
    edit["cancel_at_period_end"] = ends;
    edit["cancel_at"] =
        ends ? edit["items"]["data"][0]["current_period_end"] : OrderedJson(nullptr);
    edit["canceled_at"] = ends ? OrderedJson(ask.world.now) : OrderedJson(nullptr);
  }
  if (const Json* pause = p.find("pause_collection"))
    edit["pause_collection"] =
        pause->is_object() ? OrderedJson{{"behavior", p.str("pause_collection.behavior", "void")},
                                         {"resumes_at", nullptr}}
                           : OrderedJson(nullptr);
  if (const Json* items = p.find("items"); items && items->is_array())
    change_quantities(ask.world, **found, *items);
  edit.emit_if_changed("customer.subscription.updated");
  return *found;
}

Try<Shown> cancel_subscription(const Ask& ask) {
  auto subscription = named(ask, "subscription");
  if (!subscription) return Refused(subscription.error());
  if ((*subscription)->str("status") == "canceled") return no_such("subscription", ask.ids.at(0));
  cancel_subscription(ask.world, **subscription);
  return *subscription;
}

Try<Shown> resume(const Ask& ask) {
  auto subscription = named(ask, "subscription");
  if (!subscription) return Refused(subscription.error());
  if ((*subscription)->str("status") != "paused")
    return refuse("", "Only paused subscriptions can be resumed.");
  Edit edit(ask.world, **subscription);
  edit["status"] = "active";
  edit.emit("customer.subscription.resumed");
  return *subscription;
}

Try<Shown> list_subscriptions(const Ask& ask) {
  const auto status = ask.params.str("status"), price = ask.params.str("price");
  return list_kind(ask, "subscription", [&](const Document& subscription) {
    const auto is = subscription.str("status");
    const bool wanted = status == "all" || (status.empty() ? is != "canceled" : is == status);
    return wanted && matches(ask, subscription, "customer") &&
           (price.empty() || subscription.json["items"]["data"][0]["price"]["id"] == price);
  });
}

}  // namespace

std::vector<Endpoint> subscription_endpoints() {
  return {
      {"POST", "/v1/subscriptions",
       "customer! items:list! default_payment_method trial_period_days:int trial_end "
       "cancel_at_period_end:bool "
       "metadata:map payment_behavior collection_method currency description off_session:bool "
       "payment_settings:hash proration_behavior billing_cycle_anchor:int",
       create_subscription},
      {"GET", "/v1/subscriptions", "list created:range customer price status collection_method",
       list_subscriptions},
      {"GET", "/v1/subscriptions/:id", "", get_subscription},
      {"POST", "/v1/subscriptions/:id",
       "items:list default_payment_method cancel_at_period_end:bool metadata:map description "
       "pause_collection.behavior pause_collection.resumes_at proration_behavior payment_behavior "
       "trial_end",
       update_subscription},
      {"DELETE", "/v1/subscriptions/:id", "invoice_now:bool prorate:bool cancellation_details:hash",
       cancel_subscription},
      {"GET", "/v1/subscription_items", "list subscription!", list_items},
      {"POST", "/v1/subscriptions/:id/resume", "billing_cycle_anchor proration_behavior", resume},
  };
}

}  // namespace payoutd::sim
