#include "reports/balance.h"

#include <algorithm>

#include "base/money.h"
#include "reports/report_docs.h"

namespace payoutd::reports {
namespace {

constexpr std::string_view kBalanceDefinition =
    "The payments balance, available and pending together: the sum of `net` over balance "
    "transactions by their own `created`; other balance types (issuing, reserves) are not in it. "
    "starting_balance + activity + payouts = ending_balance. Payouts (payout and "
    "payout_reversal) leave the balance when Stripe makes them, not when they arrive.";

bool is_payout(const Movement& movement) {
  return movement.reporting_category == "payout" ||
         movement.reporting_category == "payout_reversal";
}

std::int64_t net_of(const std::vector<CategorySum>& sums) {
  std::int64_t net = 0;
  for (const CategorySum& sum : sums) net = checked_add(net, sum.net);
  return net;
}

OrderedJson section(const std::vector<CategorySum>& sums, Currency currency) {
  OrderedJson json;
  put(json, "net", net_of(sums), currency);
  json["categories"] = OrderedJson::array();
  for (const CategorySum& sum : sums) json["categories"].push_back(to_json(sum, currency));
  return json;
}

http::Docs balance_docs() {
  const Json section =
      Schema()
          .money("net", "Of all its categories.")
          .list("categories", category_schema(), "Those with transactions in the period.")
          .json();
  Schema schema = headed();
  schema.money("starting_balance", "Before `start`.")
      .field("activity", section, "All but payouts.")
      .field("payouts", section, "payout and payout_reversal.")
      .money("ending_balance", "starting_balance + activity + payouts");
  return docs_of(
      "How the balance went from its beginning to its end", Grouped::no, schema,
      to_json(balance_of(example_query(), example_scope(), 250'000, example_movements())));
}

}  // namespace

void CategorySum::add(const Movement& movement) {
  count = checked_add(count, movement.rows);
  gross = checked_add(gross, movement.amount);
  fee = checked_add(fee, movement.fee);
  net = checked_add(net, movement.net);
}

std::int64_t BalanceReport::activity_net() const { return net_of(activity); }
std::int64_t BalanceReport::payouts_net() const { return net_of(payouts); }
std::int64_t BalanceReport::ending() const {
  return checked_add(checked_add(starting, activity_net()), payouts_net());
}

BalanceReport balance_of(const ReportQuery& query, const Scope& scope, std::int64_t starting,
                         const std::vector<Movement>& movements) {
  BalanceReport report{
      .query = query, .scope = scope, .starting = starting, .activity = {}, .payouts = {}};
  for (const Movement& movement : movements) {
    auto& sums = is_payout(movement) ? report.payouts : report.activity;
    auto found =
        std::ranges::find(sums, movement.reporting_category, &CategorySum::reporting_category);
    if (found == sums.end()) {
      found = sums.insert(sums.end(), CategorySum{movement.reporting_category});
    }
    found->add(movement);
  }
  std::ranges::sort(report.activity, {}, &CategorySum::reporting_category);
  std::ranges::sort(report.payouts, {}, &CategorySum::reporting_category);
  return report;
}

OrderedJson to_json(const CategorySum& sum, Currency currency) {
  OrderedJson json{{"reporting_category", sum.reporting_category}, {"count", sum.count}};
  put(json, "gross", sum.gross, currency);
  put(json, "fee", sum.fee, currency);
  put(json, "net", sum.net, currency);
  return json;
}

OrderedJson to_json(const BalanceReport& report) {
  const Currency currency = report.scope.accounts.currency;
  OrderedJson json = heading(report.query, report.scope, kBalanceDefinition);
  put(json, "starting_balance", report.starting, currency);
  json["activity"] = section(report.activity, currency);
  json["payouts"] = section(report.payouts, currency);
  put(json, "ending_balance", report.ending(), currency);
  return json;
}

Table to_table(const BalanceReport& report) {
  const Currency currency = report.scope.accounts.currency;
  Table table{
      .columns = {"section", "reporting_category", "currency", "count", "gross", "fee", "net"},
      .rows = {}};
  const auto add = [&](const char* section, const CategorySum& sum) {
    table.rows.push_back({std::string(section), sum.reporting_category, currency.str(), sum.count,
                          Money{sum.gross, currency}, Money{sum.fee, currency},
                          Money{sum.net, currency}});
  };
  const auto balance = [&](const char* section, std::int64_t net) {
    table.rows.push_back({std::string(section), Cell(), currency.str(), Cell(), Cell(), Cell(),
                          Money{net, currency}});
  };
  balance("starting_balance", report.starting);
  for (const CategorySum& sum : report.activity) add("activity", sum);
  for (const CategorySum& sum : report.payouts) add("payouts", sum);
  balance("ending_balance", report.ending());
  return table;
}

Result<BalanceReport> balance(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<BalanceReport> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto starting = movements_store::balance_before(tx, scope->accounts, query.range.begin);
    return balance_of(
        query, *scope, starting,
        movements_store::movements(tx, scope->accounts, {query.range.begin, query.range.end},
                                   movements_store::Detail::sums));
  });
}

const Report& balance_report() {
  static const Report report{.name = "balance",
                             .about = "From its beginning to its end",
                             .read = read_plainly<BalanceReport, balance>,
                             .docs = balance_docs};
  return report;
}

}  // namespace payoutd::reports
