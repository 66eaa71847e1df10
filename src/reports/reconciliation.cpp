#include "reports/reconciliation.h"

#include "base/money.h"

namespace payoutd::reports {
namespace {

constexpr std::string_view kReconciliationDefinition =
    "Stripe's payouts created in the period, newest first. An automatic payout's transactions "
    "are those that Stripe lists for it, without its own row; their net adds up to its amount: "
    "difference is what is missing, complete says that Stripe has finished the list, the mirror "
    "has read it to the end, and nothing is missing. Manual and instant payouts draw on the "
    "balance as a whole: Stripe has no transactions for them, and they are listed without.";

Currency currency_of(const ReconciledPayout& one, const Reconciliation& all) {
  const Currency own = one.payout.money.currency;
  return own.known() ? own : all.scope.accounts.currency;
}

OrderedJson to_json(const ReconciledPayout& one, Currency currency) {
  const payouts::Payout& payout = one.payout;
  const CategorySum sum = one.sum();
  OrderedJson json{{"id", payout.id.str()},
                   {"stripe_payout_id", or_null(payout.stripe_payout_id)},
                   {"account", or_null(payout.account)},
                   {"currency", payout.money.currency.str()}};
  put(json, "amount", payout.money.minor, currency);
  json["status"] = payout.status.text;
  json["automatic"] = one.itemised();
  json["method"] = or_null(payout.method);
  json["created"] = to_iso(payout.created);
  json["arrival_date"] = nullptr;
  if (payout.arrival_date) json["arrival_date"] = to_iso(*payout.arrival_date);
  json["reconciliation_status"] = or_null(payout.reconciliation_status);
  json["itemised"] = one.itemised();
  json["complete"] = one.complete();
  json["why"] = or_null(one.why());
  json["count"] = sum.count;
  put(json, "gross", sum.gross, currency);
  put(json, "fee", sum.fee, currency);
  put(json, "net", sum.net, currency);
  put(json, "difference", one.itemised() ? std::optional(one.difference()) : std::nullopt,
      currency);
  json["categories"] = OrderedJson::array();
  for (const CategorySum& category : one.categories) {
    json["categories"].push_back(to_json(category, currency));
  }
  return json;
}

}  // namespace

CategorySum ReconciledPayout::sum() const {
  CategorySum sum;
  for (const CategorySum& category : categories) {
    sum.count = checked_add(sum.count, category.count);
    sum.gross = checked_add(sum.gross, category.gross);
    sum.fee = checked_add(sum.fee, category.fee);
    sum.net = checked_add(sum.net, category.net);
  }
  return sum;
}

std::int64_t ReconciledPayout::difference() const {
  return checked_add(payout.money.minor, -sum().net);
}

bool ReconciledPayout::complete() const { return !why(); }

std::optional<std::string> ReconciledPayout::why() const {
  if (!itemised()) {
    return payout.method == "instant" ? "an instant payout: Stripe has no transactions for it"
                                      : "a manual payout: Stripe has no transactions for it";
  }
  if (payout.reconciliation_status != "completed") {
    return "Stripe has not said yet which transactions it settled";
  }
  if (!payout.members_checked_at) return "its transactions were not read to the end yet";
  if (difference() != 0) return "its transactions do not add up to its amount";
  return std::nullopt;
}

OrderedJson to_json(const Reconciliation& reconciliation) {
  OrderedJson json = heading(reconciliation.query, reconciliation.scope, kReconciliationDefinition);
  if (reconciliation.of_one) {
    json["start"] = nullptr;
    json["end"] = nullptr;
  }
  const OrderedJson page = http::to_json(reconciliation.page, [&](const ReconciledPayout& one) {
    return to_json(one, currency_of(one, reconciliation));
  });
  json.update(page);
  return json;
}

Table to_table(const Reconciliation& reconciliation) {
  Table table{
      .columns = {"payout", "account", "created", "status", "automatic", "currency", "amount",
                  "difference", "complete", "reporting_category", "count", "gross", "fee", "net"},
      .rows = {}};
  for (const ReconciledPayout& one : reconciliation.page.data) {
    const Currency currency = currency_of(one, reconciliation);
    const auto add = [&](Cell category, const CategorySum& sum) {
      const auto money = [&](std::int64_t minor) { return Cell(Money{minor, currency}); };
      const payouts::Payout& payout = one.payout;
      table.rows.push_back({payout.stripe_payout_id.value_or(payout.id.str()),
                            payout.account.value_or(""), to_iso(payout.created), payout.status.text,
                            std::string(one.itemised() ? "true" : "false"), currency.str(),
                            money(payout.money.minor),
                            one.itemised() ? money(one.difference()) : Cell(),
                            std::string(one.complete() ? "true" : "false"), std::move(category),
                            sum.count, money(sum.gross), money(sum.fee), money(sum.net)});
    };
    if (one.categories.empty()) add(Cell(), {});
    for (const CategorySum& category : one.categories) add(category.reporting_category, category);
  }
  return table;
}

}  // namespace payoutd::reports
