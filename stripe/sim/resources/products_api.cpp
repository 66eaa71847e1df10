// /v1/products and /v1/prices.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/products.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Shown> create_product(const Ask& ask) {
  Document& product = make_product(ask.world, ask.account, ask.params.str("name"));
  Edit edit(ask.world, product);
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("description")) edit["description"] = or_null(ask.params.str("description"));
  edit.save();
  return &product;
}

Try<Shown> create_price(const Ask& ask) {
  const Params& p = ask.params;
  auto product = referenced(ask, "product", "product");
  if (!product) return Refused(product.error());
  PriceOrder order{.product = p.str("product"),
                   .product_name = p.str("product_data.name"),
                   .unit_amount = p.num("unit_amount").value_or(0),
                   .currency = *p.currency("currency"),
                   .interval = p.str("recurring.interval"),
                   .interval_count = p.num("recurring.interval_count").value_or(1),
                   .nickname = p.str("nickname"),
                   .lookup_key = p.str("lookup_key")};
  if (order.product.empty() && order.product_name.empty())
    return refuse("parameter_missing", "Missing required param: product.", "product");
  if (order.unit_amount < 0 || order.unit_amount > 99'999'999)
    return refuse("parameter_invalid_integer", "This value must be from 0 to 99999999.",
                  "unit_amount");
  if (order.interval_count < 1 || order.interval_count > 36)
    return refuse("parameter_invalid_integer", "This value must be from 1 to 36.",
                  "recurring[interval_count]");
  Document& price = make_price(ask.world, ask.account, order);
  Edit edit(ask.world, price);
  merge_metadata(edit.json(), p);
  edit.save();
  return &price;
}

Try<Shown> get_product(const Ask& ask) {
  auto product = named(ask, "product");
  if (!product) return Refused(product.error());
  return *product;
}

Try<Shown> get_price(const Ask& ask) {
  auto price = named(ask, "price");
  if (!price) return Refused(price.error());
  return *price;
}

Try<Shown> list_products(const Ask& ask) {
  return list_kind(ask, "product", [](const Document&) { return true; });
}

Try<Shown> list_prices(const Ask& ask) {
  return list_kind(ask, "price",
                   [&](const Document& price) { return matches(ask, price, "product"); });
}

}  // namespace

std::vector<Endpoint> product_endpoints() {
  return {
      {"POST", "/v1/products", "name! description metadata:map active:bool", create_product},
      {"GET", "/v1/products", "list created:range active:bool", list_products},
      {"GET", "/v1/products/:id", "", get_product},
      {"POST", "/v1/prices",
       "currency:currency! product product_data.name unit_amount:int nickname lookup_key "
       "metadata:map "
       "recurring.interval:day|week|month|year recurring.interval_count:int recurring.usage_type",
       create_price},
      {"GET", "/v1/prices", "list created:range product active:bool currency:currency",
       list_prices},
      {"GET", "/v1/prices/:id", "", get_price},
  };
}

}  // namespace payoutd::sim
