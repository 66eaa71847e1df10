#include "stripe/sim/resources/products.h"

#include "stripe/sim/api/lists.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

OrderedJson recurring(const PriceOrder& order) {
  if (order.interval.empty()) return nullptr;
  return {{"interval", order.interval},
          {"interval_count", order.interval_count},
          {"meter", nullptr},
          {"trial_period_days", nullptr},
          {"usage_type", "licensed"}};
}

}  // namespace

Document& make_product(World& world, Account& account, const std::string& name) {
  Document& product = world.store.add(account, {{"id", world.ids.brief("prod")},
                                                {"object", "product"},
                                                {"active", true},
                                                {"created", world.now},
                                                {"default_price", nullptr},
                                                {"description", nullptr},
                                                {"images", OrderedJson::array()},
                                                {"livemode", world.livemode},
                                                {"marketing_features", OrderedJson::array()},
                                                {"metadata", OrderedJson::object()},
                                                {"name", name},
                                                {"package_dimensions", nullptr},
                                                {"shippable", nullptr},
                                                {"statement_descriptor", nullptr},
                                                {"tax_code", nullptr},
                                                {"type", "service"},
                                                {"unit_label", nullptr},
                                                {"updated", world.now},
                                                {"url", nullptr}});
  emit(world, product, "product.created");
  return product;
}

Document& make_price(World& world, Account& account, const PriceOrder& order) {
  const std::string product =
      order.product.empty() ? make_product(world, account, order.product_name).id : order.product;
  Document& price =
      world.store.add(account, {{"id", world.id("price", account)},
                                {"object", "price"},
                                {"active", true},
                                {"billing_scheme", "per_unit"},
                                {"created", world.now},
                                {"currency", order.currency.str()},
                                {"custom_unit_amount", nullptr},
                                {"livemode", world.livemode},
                                {"lookup_key", or_null(order.lookup_key)},
                                {"metadata", OrderedJson::object()},
                                {"nickname", or_null(order.nickname)},
                                {"product", product},
                                {"recurring", recurring(order)},
                                {"tax_behavior", "unspecified"},
                                {"tiers_mode", nullptr},
                                {"transform_quantity", nullptr},
                                {"type", order.interval.empty() ? "one_time" : "recurring"},
                                {"unit_amount", order.unit_amount},
                                {"unit_amount_decimal", std::to_string(order.unit_amount)}});
  emit(world, price, "price.created");
  return price;
}

}  // namespace payoutd::sim
