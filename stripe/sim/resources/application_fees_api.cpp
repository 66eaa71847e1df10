// /v1/application_fees and their refunds.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/application_fees.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Shown> create_fee_refund(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  const auto left = refundable(**fee);
  if (left == 0)
    return refuse("", fmt::format("Application fee {} has already been refunded.", (*fee)->id));
  const auto amount = ask.params.num("amount").value_or(left);
  if (amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  if (amount > left)
    return refuse("",
                  fmt::format("Refund amount ({}) is greater than unrefunded amount on fee ({}).",
                              amount, left),
                  "amount");
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  return &refund_fee(ask.world, **fee, amount, holder["metadata"]);
}

Try<Shown> list_fee_refunds(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  return list_documents(ask, ask.world.store.under((*fee)->id),
                        [](const Document&) { return true; });
}

Try<Document*> refund_of(const Ask& ask) {
  Document* refund = ask.world.store.find(ask.account, "fee_refund", ask.ids.at(1));
  if (!refund || refund->str("fee") != ask.ids.at(0)) return no_such("fee refund", ask.ids.at(1));
  return refund;
}

Try<Shown> get_fee_refund(const Ask& ask) {
  auto refund = refund_of(ask);
  if (!refund) return Refused(refund.error());
  return *refund;
}

Try<Shown> update_fee_refund(const Ask& ask) {
  auto refund = refund_of(ask);
  if (!refund) return Refused(refund.error());
  Edit edit(ask.world, **refund);
  merge_metadata(edit.json(), ask.params);
  edit.emit_if_changed("application_fee.refund.updated");
  return *refund;
}

Try<Shown> get_fee(const Ask& ask) {
  auto fee = named(ask, "application_fee");
  if (!fee) return Refused(fee.error());
  return *fee;
}

Try<Shown> list_fees(const Ask& ask) {
  return list_kind(ask, "application_fee",
                   [&](const Document& fee) { return matches(ask, fee, "charge"); });
}

}  // namespace

std::vector<Endpoint> application_fee_endpoints() {
  constexpr std::string_view kRefunds = "/v1/application_fees/:id/refunds";
  constexpr std::string_view kRefund = "/v1/application_fees/:id/refunds/:id";
  return {
      {"GET", "/v1/application_fees", "list created:range charge", list_fees},
      {"GET", "/v1/application_fees/:id", "", get_fee},
      {"POST", kRefunds, "amount:int metadata:map", create_fee_refund},
      {"GET", kRefunds, "list", list_fee_refunds},
      {"GET", kRefund, "", get_fee_refund},
      {"POST", kRefund, "metadata:map", update_fee_refund},
  };
}

}  // namespace payoutd::sim
