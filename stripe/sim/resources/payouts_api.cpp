// POST and GET /v1/payouts, cancel and reverse.
#include <fmt/format.h>

#include <algorithm>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/resources/payouts.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

Try<Document*> destination_of(const Ask& ask, Currency currency) {
  const auto id = ask.params.str("destination");
  const auto all = destinations_of(ask.account);
  Document* found = nullptr;
  if (id.empty()) {
    found = default_destination(ask.account, currency.str());
    if (!found)
      return refuse(
          "",
          fmt::format("Sorry, you don't have any external accounts in that currency ({}).",
                      currency.str()),
          "currency");
  } else {
    const auto it = std::ranges::find(all, id, &Document::id);
    if (it == all.end()) return no_such("external account", id, "destination");
    found = *it;
    if (found->str("currency") != currency.str())
      return refuse(
          "",
          fmt::format("The currency of the external account ({}) is not that of the payout ({}).",
                      found->str("currency"), currency.str()),
          "destination");
  }
  if (found->str("status") == "errored")
    return refuse("bank_account_unusable",
                  "The bank account provided cannot be used for payouts. A different bank account "
                  "must be used.",
                  "destination");
  return found;
}

Try<void> check_method(const PayoutOrder& order) {
  if (!order.instant) return {};
  const auto& methods = order.destination->json["available_payout_methods"];
  if (std::ranges::find(methods, OrderedJson("instant")) != methods.end()) return {};
  return refuse(
      "instant_payouts_unsupported",
      "This account is not eligible for Instant Payouts: the destination does not support them.",
      "method");
}

Try<void> check_amount_of(const PayoutOrder& order) {
  if (order.amount % order.currency.payout_step() != 0)
    return refuse("parameter_invalid_integer",
                  fmt::format("Payouts in {} must be multiples of {}.", order.currency.str(),
                              order.currency.payout_step()),
                  "amount");
  const std::int64_t least = order.instant ? 50 : 1, most = 99'999'999'999;
  if (order.amount < least)
    return refuse("amount_too_small", fmt::format("Amount must be at least {}.", least), "amount");
  if (order.amount > most)
    return refuse("amount_too_large", fmt::format("Amount must be no more than {}.", most),
                  "amount");
  return {};
}

Try<void> check_balance(const Ask& ask, const PayoutOrder& order) {
  const auto source = ask.params.str("source_type", "card");
  const auto held = source == "card" ? available(ask.account, order.currency) : 0;
  if (order.amount <= held) return {};
  return refuse(
      "balance_insufficient",
      fmt::format(
          "You have insufficient funds in your Stripe account for this transfer. Your {} balance "
          "is too low.  You can use the the /v1/balance endpoint to view your Stripe balance "
          "(for more details, see stripe.com/docs/api#balance).",
          source));
}

Try<PayoutOrder> read_order_payout(const Ask& ask) {
  const Params& p = ask.params;
  PayoutOrder order{.amount = *p.num("amount"),
                    .currency = *p.currency("currency"),
                    .instant = p.str("method") == "instant"};
  if (order.amount < 1)
    return refuse("parameter_invalid_integer", "This value must be greater than or equal to 1.",
                  "amount");
  order.description = p.str("description");
  order.statement_descriptor = p.str("statement_descriptor");
  if (characters(order.statement_descriptor) > 22)
    return refuse("", "The statement descriptor must be at most 22 characters.",
                  "statement_descriptor");
  OrderedJson holder;
  merge_metadata(holder, p);
  order.metadata = holder["metadata"];
  if (!payouts_enabled(ask.account))
    return refuse("payouts_not_allowed", "Payouts are not enabled on this account.");
  auto destination = destination_of(ask, order.currency);
  if (!destination) return Refused(destination.error());
  order.destination = *destination;
  return order;
}

Try<Shown> create_payout(const Ask& ask) {
  auto order = read_order_payout(ask);
  if (!order) return Refused(order.error());
  if (auto ok = check_method(*order); !ok) return Refused(ok.error());
  if (auto ok = check_amount_of(*order); !ok) return Refused(ok.error());
  if (auto ok = check_balance(ask, *order); !ok) return Refused(ok.error());
  return &make_payout(ask.world, ask.account, *order);
}

Try<Shown> get_payout(const Ask& ask) {
  auto payout = named(ask, "payout");
  if (!payout) return Refused(payout.error());
  return *payout;
}

Try<Shown> list_payouts(const Ask& ask) {
  const Range arrival = ask.params.range("arrival_date");
  return list_kind(ask, "payout", [&](const Document& payout) {
    return arrival.has(payout.num("arrival_date")) && matches(ask, payout, "status") &&
           matches(ask, payout, "destination");
  });
}

Try<Shown> update_payout(const Ask& ask) {
  auto payout = named(ask, "payout");
  if (!payout) return Refused(payout.error());
  Edit edit(ask.world, **payout);
  merge_metadata(edit.json(), ask.params);
  edit.emit_if_changed("payout.updated");
  return *payout;
}

Try<Shown> cancel_payout(const Ask& ask) {
  auto payout = named(ask, "payout");
  if (!payout) return Refused(payout.error());
  if ((*payout)->flag("automatic")) return refuse("", "Automatic payouts cannot be canceled.");
  if ((*payout)->str("status") != "pending")
    return refuse("", "Payouts can only be canceled while they are pending.");
  cancel_payout(ask.world, **payout);
  return *payout;
}

Try<Shown> reverse_payout(const Ask& ask) {
  auto found = named(ask, "payout");
  if (!found) return Refused(found.error());
  Document& payout = **found;
  Document* destination = ask.world.store.find(payout.str("destination"));
  const auto country = destination ? destination->str("country") : std::string();
  if (!ask.account.connected() || payout.str("type") != "bank_account" ||
      (country != "US" && country != "CA"))
    return refuse(
        "", "Only payouts of connected accounts to US and Canadian bank accounts can be reversed.");
  const auto status = payout.str("status");
  if (status == "pending")
    return refuse("", "Pending payouts must be canceled instead of reversed.");
  if ((status != "paid" && status != "in_transit") || !payout.str("reversed_by").empty())
    return refuse("", "This payout cannot be reversed.");
  OrderedJson holder;
  merge_metadata(holder, ask.params);
  Document& back = make_payout(ask.world, ask.account,
                               {.amount = -payout.num("amount"),
                                .currency = payout.currency(),
                                .destination = destination,
                                .description = "REVERSAL OF PAYOUT",
                                .original = payout.id,
                                .metadata = holder["metadata"]});
  Edit edit(ask.world, payout);
  edit["reversed_by"] = back.id;
  edit.emit("payout.updated");
  return &back;
}

}  // namespace

std::vector<Endpoint> payout_endpoints() {
  return {
      {"POST", "/v1/payouts",
       "amount:int! currency:currency! description destination metadata:map "
       "method:standard|instant "
       "payout_method source_type:card|bank_account|fpx statement_descriptor",
       create_payout},
      {"GET", "/v1/payouts",
       "list arrival_date:range created:range destination "
       "status:pending|in_transit|paid|failed|canceled",
       list_payouts},
      {"GET", "/v1/payouts/:id", "", get_payout},
      {"POST", "/v1/payouts/:id", "metadata:map", update_payout},
      {"POST", "/v1/payouts/:id/cancel", "", cancel_payout},
      {"POST", "/v1/payouts/:id/reverse", "metadata:map", reverse_payout},
  };
}

}  // namespace payoutd::sim
