#include "reports/reports.h"

#include "payouts/payouts.h"
#include "reports/customers_store.h"
#include "reports/movements_store.h"
#include "reports/reconciliation_store.h"

namespace payoutd::reports {
namespace {

using movements_store::Detail;

std::vector<Time> bounds_of(const Range& range) { return {range.begin, range.end}; }

std::vector<Time> bounds_of(const std::vector<Period>& periods) {
  std::vector<Time> bounds;
  for (const Period& period : periods) bounds.push_back(period.range.begin);
  bounds.push_back(periods.back().range.end);
  return bounds;
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

}  // namespace

Result<Revenue> revenue(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<Revenue> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto periods = periods_of(query.range, query.group_by, *query.zone);
    CHECK(periods);  // read_query has seen that they are not too many
    const auto bounds = bounds_of(*periods);
    const auto movements = movements_store::movements(tx, scope->accounts, bounds, Detail::sums);
    return revenue_of(query, *scope, movements,
                      movements_store::from_transfers(tx, scope->accounts, bounds));
  });
}

Result<Fees> fees(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<Fees> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto movements =
        movements_store::movements(tx, scope->accounts, bounds_of(query.range), Detail::fees);
    return fees_of(
        query, *scope, movements,
        movements_store::payout_fees(tx, scope->accounts, query.range.begin, query.range.end));
  });
}

Result<BalanceReport> balance(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<BalanceReport> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto starting = movements_store::balance_before(tx, scope->accounts, query.range.begin);
    return balance_of(
        query, *scope, starting,
        movements_store::movements(tx, scope->accounts, bounds_of(query.range), Detail::sums));
  });
}

Result<Customers> customers(pg::Database& db, OrgId organization, const ReportQuery& query,
                            std::int64_t top, Time now) {
  return db.read([&](pg::Tx& tx) -> Result<Customers> {
    auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    Customers customers;
    customers.query = query;
    customers.scope = *std::move(scope);
    customers.as_of = now;
    customers_store::count_customers(tx, customers, top);
    customers_store::count_churn(tx, customers);
    customers_store::value_subscriptions(tx, customers);
    return customers;
  });
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

}  // namespace payoutd::reports
