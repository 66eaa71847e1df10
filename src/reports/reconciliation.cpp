#include "reports/reconciliation.h"

#include "base/money.h"
#include "payouts/payouts.h"
#include "reports/reconciliation_store.h"
#include "reports/report_docs.h"

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

// The one that was asked for by its id. Another account's than the one asked about is no such
// payout.
Result<payouts::Payout> one_payout(pg::Tx& tx, OrgId organization, const ReportQuery& query,
                                   const std::string& id) {
  auto payout = payouts::find_payout(tx, organization, id);
  if (!payout) return payout.error();
  if (query.account && payout->account != query.account) {
    return Error{Kind::missing, "payout_not_found", "the account has no such payout", "payout"};
  }
  if (payout->rail != rails::RailName::stripe_payout) {
    return Error{Kind::invalid, "not_stripes_payout",
                 "only Stripe's payouts have balance transactions; this one's rail is " +
                     std::string(word_of(payout->rail)),
                 "payout"};
  }
  return payout;
}

Result<http::PageOf<payouts::Payout>> payouts_of(pg::Tx& tx, OrgId organization,
                                                 const ReportQuery& query, const Scope& scope,
                                                 const http::Page& page) {
  payouts::PayoutFilter filter;
  filter.rail = "stripe_payout";
  filter.account = query.account;
  filter.currency = scope.accounts.currency.str();
  filter.from = query.range.begin;
  filter.to = query.range.end - std::chrono::microseconds{1};  // inclusive there
  return payouts::list_payouts(tx, organization, filter, page);
}

Json payout_schema() {
  return Schema()
      .field("id", {{"type", "string"}, {"format", "uuid"}})
      .text_or_null("stripe_payout_id", "po_…")
      .text_or_null("account", "acct_…")
      .text("currency", "The payout's.")
      .money("amount", "The payout's.")
      .text("status", "The payout's.")
      .flag("automatic", "Made by Stripe's schedule.")
      .text_or_null("method", "standard or instant")
      .time("created", "When Stripe made it.")
      .time_or_null("arrival_date", "When it is at the bank, or should be.")
      .text_or_null("reconciliation_status", "Stripe's: not_applicable, in_progress, completed")
      .flag("itemised", "Stripe has transactions for it: automatic payouts only.")
      .flag("complete", "All its transactions are mirrored, and they add up to it.")
      .text_or_null("why", "It is not complete: a sentence.")
      .count("count", "Its transactions, without its own row.")
      .money("gross", "Of them.")
      .money("fee", "Of them.")
      .money("net", "Of them: the payout's amount when nothing is missing.")
      .money_or_null("difference", "amount - net; null where it is not itemised")
      .list("categories", category_schema(), "Its transactions by reporting category.")
      .json();
}

Reconciliation example_reconciliation() {
  Reconciliation example{.query = example_query(), .scope = example_scope(), .page = {}};
  ReconciledPayout one;
  one.payout.stripe_payout_id = "po_1Demo";
  one.payout.account = "acct_1PlatformDemo001";
  one.payout.money = {12'005, *Currency::parse("eur")};
  one.payout.status = payouts::Status::paid;
  one.payout.automatic = true;
  one.payout.method = "standard";
  one.payout.created = example.query.range.begin;
  one.payout.reconciliation_status = "completed";
  one.payout.members_checked_at = example.query.range.end;
  one.categories = {{"charge", 2, 15'000, 495, 14'505}, {"refund", 1, -2'500, 0, -2'500}};
  example.page.data.push_back(one);
  return example;
}

http::Docs reconciliation_docs() {
  Schema schema = headed();
  schema.list("data", payout_schema(), "Newest first.")
      .flag("has_more", "There is another page.")
      .text_or_null("next_cursor", "Of it; CSV answers carry it as X-Next-Cursor.")
      .optional_count("total", "All payouts of the report; with `include=total`.");
  http::Docs docs = docs_of("What each payout paid out, by reporting category", Grouped::no, schema,
                            to_json(example_reconciliation()));
  for (Json& parameter : docs.parameters) {
    if (parameter["name"] != "currency") continue;
    parameter["description"] = "Of the payouts. ISO 4217, in any case.";
  }
  for (const Json& parameter : http::page_parameters()) docs.parameters.push_back(parameter);
  docs.parameters.push_back({{"name", "payout"},
                             {"in", "query"},
                             {"description", "Only this one, whenever it was: our id or po_…"},
                             {"schema", {{"type", "string"}}}});
  return docs;
}

Reading read_reconciliation(http::Fields& fields, Time) {
  const auto payout = fields.text({"payout"});
  const http::Page page = fields.page();
  return [payout, page](pg::Database& db, OrgId organization, const ReportQuery& query) {
    return shown(payout ? reconcile_one(db, organization, query, *payout)
                        : reconcile(db, organization, query, page));
  };
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

Result<Reconciliation> reconcile(pg::Database& db, OrgId organization, const ReportQuery& query,
                                 const http::Page& page) {
  return db.read([&](pg::Tx& tx) -> Result<Reconciliation> {
    auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    auto found = payouts_of(tx, organization, query, *scope, page);
    if (!found) return found.error();
    Reconciliation reconciliation{.query = query, .scope = *std::move(scope), .page = {}};
    for (payouts::Payout& one : found->data) {
      reconciliation.page.data.push_back({std::move(one), {}});
    }
    reconciliation.page.has_more = found->has_more;
    reconciliation.page.next_cursor = found->next_cursor;
    reconciliation.page.total = found->total;
    reconciliation_store::add_up(tx, organization, reconciliation.page.data);
    return reconciliation;
  });
}

Result<Reconciliation> reconcile_one(pg::Database& db, OrgId organization, const ReportQuery& query,
                                     const std::string& payout) {
  return db.read([&](pg::Tx& tx) -> Result<Reconciliation> {
    auto found = one_payout(tx, organization, query, payout);
    if (!found) return found.error();
    ReportQuery asked = query;
    asked.account = found->account;
    if (found->money.currency.known()) asked.currency = found->money.currency;
    else asked.currency.reset();
    auto scope = scope_of(tx, organization, asked);
    if (!scope) return scope.error();
    Reconciliation reconciliation{
        .query = asked, .scope = *std::move(scope), .of_one = true, .page = {}};
    reconciliation.page.data.push_back({*std::move(found), {}});
    reconciliation_store::add_up(tx, organization, reconciliation.page.data);
    return reconciliation;
  });
}

const Report& reconciliation_report() {
  static const Report report{
      .name = "payout-reconciliation",
      .about = "What each payout paid out",
      .parameters = {{"payout", "--payout", "only this one: po_… or our id"}},
      .pages = true,
      .read = read_reconciliation,
      .docs = reconciliation_docs};
  return report;
}

}  // namespace payoutd::reports
