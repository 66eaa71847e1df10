#include "stripe/sim/resources/subscriptions.h"

#include <algorithm>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/invoices.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

constexpr int kCollectionAttempts = 4;  // one a period's end, three more three days apart

std::int64_t after_period(std::int64_t start, const OrderedJson& price) {
  const auto& recurring = price["recurring"];
  const auto interval = recurring["interval"].get<std::string>();
  const auto count = recurring["interval_count"].get<int>();
  if (interval == "day") return start + count * kDay;
  if (interval == "week") return start + count * 7 * kDay;
  return add_months(start, interval == "year" ? 12 * count : count);
}

OrderedJson plan_of(const OrderedJson& price) {
  return {{"id", price["id"]},
          {"object", "plan"},
          {"active", price["active"]},
          {"amount", price["unit_amount"]},
          {"amount_decimal", price["unit_amount_decimal"]},
          {"billing_scheme", "per_unit"},
          {"created", price["created"]},
          {"currency", price["currency"]},
          {"interval", price["recurring"]["interval"]},
          {"interval_count", price["recurring"]["interval_count"]},
          {"livemode", price["livemode"]},
          {"metadata", price["metadata"]},
          {"meter", nullptr},
          {"nickname", price["nickname"]},
          {"product", price["product"]},
          {"tiers_mode", nullptr},
          {"transform_usage", nullptr},
          {"trial_period_days", nullptr},
          {"usage_type", "licensed"}};
}

OrderedJson items_of(World& world, const SubscriptionOrder& order, const std::string& id) {
  OrderedJson data = OrderedJson::array();
  for (const auto& item : order.items) {
    const auto& price = item.price->json;
    const auto end = order.trial_end > 0 ? order.trial_end : after_period(world.now, price);
    data.push_back({{"id", world.ids.brief("si")},
                    {"object", "subscription_item"},
                    {"billing_thresholds", nullptr},
                    {"created", world.now},
                    {"current_period_end", end},
                    {"current_period_start", world.now},
                    {"discounts", OrderedJson::array()},
                    {"metadata", OrderedJson::object()},
                    {"plan", plan_of(price)},
                    {"price", price},
                    {"quantity", item.quantity},
                    {"subscription", id},
                    {"tax_rates", OrderedJson::array()}});
  }
  return data;
}

// The first ones are shown inside the subscription.
OrderedJson embedded(const OrderedJson& items, const std::string& id) {
  OrderedJson data = OrderedJson::array();
  for (std::size_t i = 0; i < std::min(items.size(), kEmbedded); ++i) data.push_back(items[i]);
  return {{"object", "list"},
          {"data", data},
          {"has_more", items.size() > kEmbedded},
          {"url", "/v1/subscription_items?subscription=" + id}};
}

OrderedJson subscription_object(World& world, const SubscriptionOrder& order, const std::string& id,
                                const OrderedJson& items) {
  OrderedJson out{{"id", id}, {"object", "subscription"}};
  for (const char* field : {"application", "application_fee_percent"}) out[field] = nullptr;
  out["automatic_tax"] = {{"disabled_reason", nullptr}, {"enabled", false}, {"liability", nullptr}};
  out["billing_cycle_anchor"] = order.trial_end > 0 ? order.trial_end : world.now;
  out["billing_cycle_anchor_config"] = nullptr;
  out["billing_mode"] = {{"type", "classic"}};
  for (const char* field : {"billing_schedules", "billing_thresholds", "cancel_at"})
    out[field] = nullptr;
  out["cancel_at_period_end"] = order.cancel_at_period_end;
  out["canceled_at"] = nullptr;
  out["cancellation_details"] = {{"comment", nullptr}, {"feedback", nullptr}, {"reason", nullptr}};
  out["collection_method"] = "charge_automatically";
  out["created"] = world.now;
  out["currency"] = order.items.front().price->str("currency");
  out["customer"] = order.customer->id;
  for (const char* field : {"customer_account", "days_until_due"}) out[field] = nullptr;
  out["default_payment_method"] = or_null(order.payment_method);
  out["default_source"] = nullptr;
  out["default_tax_rates"] = OrderedJson::array();
  out["description"] = nullptr;
  out["discounts"] = OrderedJson::array();
  out["ended_at"] = nullptr;
  out["invoice_settings"] = {{"account_tax_ids", nullptr}, {"issuer", {{"type", "self"}}}};
  out["items"] = embedded(items, id);
  out["latest_invoice"] = nullptr;
  out["livemode"] = world.livemode;
  out["metadata"] = order.metadata;
  for (const char* field :
       {"next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection"})
    out[field] = nullptr;
  out["payment_settings"] = {{"payment_method_options", nullptr},
                             {"payment_method_types", nullptr},
                             {"save_default_payment_method", "off"}};
  for (const char* field :
       {"pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule"})
    out[field] = nullptr;
  out["start_date"] = world.now;
  out["status"] = order.trial_end > 0 ? "trialing" : "incomplete";
  for (const char* field : {"test_clock", "transfer_data"}) out[field] = nullptr;
  out["trial_end"] = order.trial_end > 0 ? OrderedJson(order.trial_end) : OrderedJson(nullptr);
  out["trial_settings"] = {{"end_behavior", {{"missing_payment_method", "create_invoice"}}}};
  out["trial_start"] = order.trial_end > 0 ? OrderedJson(world.now) : OrderedJson(nullptr);
  return out;
}

bool ended(const Document& subscription) {
  const auto status = subscription.str("status");
  return status == "canceled" || status == "incomplete_expired";
}

std::int64_t period_end(const Document& subscription) {
  return subscription.json["items"]["data"][0]["current_period_end"].get<std::int64_t>();
}

void renew(World& world, Document& subscription);

void plan_renewal(World& world, Document& subscription) {
  const auto end = period_end(subscription);
  world.at(std::max(end, world.now + 1), [&subscription, end](World& w) {
    if (!ended(subscription) && period_end(subscription) == end) renew(w, subscription);
  });
}

// Past due, the invoice is tried again; when the last attempt failed the subscription ends.
void retry_collection(World& world, Document& subscription, Document& invoice) {
  world.at(world.now + 3 * kDay, [&subscription, &invoice](World& w) {
    if (ended(subscription) || invoice.str("status") != "open") return;
    Account& account = *w.store.account(subscription.account);
    if (collect(w, account, invoice)) {
      Edit edit(w, subscription);
      edit["status"] = "active";
      edit.emit("customer.subscription.updated");
    } else if (invoice.num("attempt_count") >= kCollectionAttempts) {
      cancel_subscription(w, subscription);
    } else {
      retry_collection(w, subscription, invoice);
    }
  });
}

void renew(World& world, Document& subscription) {
  if (subscription.flag("cancel_at_period_end")) return cancel_subscription(world, subscription);
  Account& account = *world.store.account(subscription.account);
  Edit edit(world, subscription);
  const auto begin_next = [](OrderedJson& item) {
    const auto start = item["current_period_end"].get<std::int64_t>();
    item["current_period_start"] = start;
    item["current_period_end"] = after_period(start, item["price"]);
  };
  for (auto& item : edit["items"]["data"]) begin_next(item);
  for (Document* item : world.store.under(subscription.id)) {
    begin_next(item->json);
    world.store.save(*item);
  }
  const auto& first = edit["items"]["data"][0];
  Document& invoice = bill(world, account,
                           {.subscription = &subscription,
                            .reason = "subscription_cycle",
                            .period_start = first["current_period_start"].get<std::int64_t>(),
                            .period_end = first["current_period_end"].get<std::int64_t>()});
  edit["latest_invoice"] = invoice.id;
  const bool paid = invoice.str("status") == "paid";
  edit["status"] = paid ? "active" : "past_due";
  edit.emit("customer.subscription.updated");
  if (!paid) retry_collection(world, subscription, invoice);
  plan_renewal(world, subscription);
}

}  // namespace

Document& make_subscription(World& world, Account& account, const SubscriptionOrder& order) {
  const std::string id = world.id("sub", account);
  const OrderedJson items = items_of(world, order, id);
  Document& subscription = world.store.add(account, subscription_object(world, order, id, items));
  for (const OrderedJson& item : items) world.store.file_under(id, world.store.add(account, item));
  if (order.customer->json["currency"].is_null()) {
    Edit customer(world, *order.customer);
    customer["currency"] = subscription.str("currency");
    customer.emit("customer.updated");
  }
  emit(world, subscription, "customer.subscription.created");
  if (order.trial_end > 0) {
    world.at(order.trial_end - 3 * kDay, [&subscription](World& w) {
      if (subscription.str("status") == "trialing")
        emit(w, subscription, "customer.subscription.trial_will_end");
    });
  } else {
    Document& invoice = bill(world, account,
                             {.subscription = &subscription,
                              .reason = "subscription_create",
                              .period_start = world.now,
                              .period_end = period_end(subscription)});
    Edit edit(world, subscription);
    edit["latest_invoice"] = invoice.id;
    if (invoice.str("status") == "paid") edit["status"] = "active";
    edit.emit("customer.subscription.updated");
  }
  if (subscription.str("status") != "incomplete") plan_renewal(world, subscription);
  return subscription;
}

void cancel_subscription(World& world, Document& subscription) {
  if (ended(subscription)) return;
  Edit edit(world, subscription);
  edit["status"] = "canceled";
  edit["cancel_at_period_end"] = false;
  if (subscription.json["canceled_at"].is_null()) edit["canceled_at"] = world.now;
  edit["ended_at"] = world.now;
  edit["cancellation_details"]["reason"] = "cancellation_requested";
  edit.emit("customer.subscription.deleted");
}

}  // namespace payoutd::sim
