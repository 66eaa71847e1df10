#include "reports/revenue.h"

#include "base/check.h"
#include "reports/report_docs.h"

namespace payoutd::reports {
namespace {

constexpr std::string_view kRevenueDefinition =
    "Revenue is gross: the balance transactions of categories charge, partial_capture_reversal "
    "and charge_failure, by their own `created`, in the currency that they settled in; a delayed "
    "payment that failed is taken out again, from `count` too. refunds: refund and "
    "refund_failure. disputes: dispute and dispute_reversal. fees: the fee of every transaction, "
    "and fee and tax transactions. net = revenue - refunds - disputes - fees + "
    "application_fees_earned. A period's average is revenue / count; the report's average is per "
    "period. Weeks begin on Monday.";
constexpr std::string_view kTransfersLeftOut =
    " Payments that connected accounts got by transfer (from_transfers), and their refunds, are "
    "left out: they are part of the platform's charges.";
constexpr std::string_view kTransfersIncluded =
    " Payments that the account got by transfer are included, and shown as from_transfers.";

void take(std::int64_t& from, std::int64_t amount) {
  CHECK(!__builtin_sub_overflow(from, amount, &from));
}

OrderedJson to_json(const FromTransfers& transfers, Currency currency) {
  OrderedJson json{{"count", transfers.count}};
  put(json, "amount", transfers.amount, currency);
  put(json, "refunds", -transfers.refunds, currency);
  return json;
}

void put_figures(OrderedJson& json, const RevenueFigures& figures, Currency currency) {
  put(json, "refunds", figures.refunds, currency);
  put(json, "disputes", figures.disputes, currency);
  put(json, "fees", figures.fees, currency);
  put(json, "application_fees_earned", figures.application_fees_earned, currency);
  put(json, "net", figures.net(), currency);
  json["from_transfers"] = to_json(figures.from_transfers, currency);
}

std::vector<Time> bounds_of(const std::vector<Period>& periods) {
  std::vector<Time> bounds;
  for (const Period& period : periods) bounds.push_back(period.range.begin);
  bounds.push_back(periods.back().range.end);
  return bounds;
}

Json transfers_schema() {
  return Schema()
      .count("count", "Payments that came by transfer.")
      .money("amount", "Their sum.")
      .money("refunds", "What was given back of such payments.")
      .json();
}

void add_figures(Schema& schema) {
  schema.money("refunds", "Given back to customers, less refunds that failed.")
      .money("disputes", "Taken by disputes, less disputes won.")
      .money("fees", "Paid.")
      .money("application_fees_earned", "By the platform, less those it gave back.")
      .money("net", "revenue - refunds - disputes - fees + application_fees_earned")
      .field("from_transfers", transfers_schema());
}

http::Docs revenue_docs() {
  Schema period;
  period
      .field("date", {{"type", "string"}, {"format", "date"}},
             "Its first day, also where the report begins later.")
      .time("start", "As far as the report reaches.")
      .time("end", "The first instant that is not in it.")
      .money("revenue", "Gross.")
      .count("count", "Payments that succeeded.")
      .money_or_null("average", "revenue / count, rounded to the nearest; null without a payment");
  add_figures(period);
  Schema schema = headed();
  schema.field("group_by", {{"type", "string"}, {"enum", {"day", "week", "month"}}})
      .list("periods", period.json(), "Every one of the report, empty ones too.")
      .money("total", "Gross revenue of all periods.")
      .money("average", "Per period.")
      .count("count", "Payments of all periods.")
      .money_or_null("average_payment", "total / count");
  add_figures(schema);
  const ReportQuery query = example_query();
  return docs_of("Revenue by day, week or month", Grouped::yes, schema,
                 to_json(revenue_of(query, example_scope(), example_movements(), {{}})));
}

}  // namespace

void RevenueFigures::add(const Movement& m) {
  const std::string_view category = m.reporting_category;
  if (category == "charge" || category == "partial_capture_reversal" ||
      category == "charge_failure") {
    revenue = checked_add(revenue, m.amount);
    if (category == "charge") count = checked_add(count, m.rows);
    if (category == "charge_failure") take(count, m.rows);
  } else if (category == "refund" || category == "refund_failure") {
    take(refunds, m.amount);
  } else if (category == "dispute" || category == "dispute_reversal") {
    take(disputes, m.amount);
  } else if (category == "fee" || category == "tax") {
    take(fees, m.amount);
  } else if (category == "platform_earning" || category == "platform_earning_refund") {
    application_fees_earned = checked_add(application_fees_earned, m.amount);
  }
  fees = checked_add(fees, m.fee);
}

void RevenueFigures::add(const RevenueFigures& other) {
  revenue = checked_add(revenue, other.revenue);
  count = checked_add(count, other.count);
  refunds = checked_add(refunds, other.refunds);
  disputes = checked_add(disputes, other.disputes);
  fees = checked_add(fees, other.fees);
  application_fees_earned = checked_add(application_fees_earned, other.application_fees_earned);
  from_transfers.count = checked_add(from_transfers.count, other.from_transfers.count);
  from_transfers.amount = checked_add(from_transfers.amount, other.from_transfers.amount);
  from_transfers.refunds = checked_add(from_transfers.refunds, other.from_transfers.refunds);
}

void RevenueFigures::leave_out_transfers() {
  take(revenue, from_transfers.amount);
  take(count, from_transfers.count);
  refunds = checked_add(refunds, from_transfers.refunds);  // their rows are negative
}

std::int64_t RevenueFigures::net() const {
  std::int64_t net = checked_add(revenue, application_fees_earned);
  take(net, refunds);
  take(net, disputes);
  take(net, fees);
  return net;
}

std::optional<std::int64_t> RevenueFigures::average() const {
  if (count <= 0) return std::nullopt;
  return divide_rounded(revenue, count);
}

std::int64_t Revenue::average_per_period() const {
  return divide_rounded(total.revenue, static_cast<std::int64_t>(periods.size()));
}

Revenue revenue_of(const ReportQuery& query, const Scope& scope,
                   const std::vector<Movement>& movements,
                   const std::vector<FromTransfers>& from_transfers) {
  Revenue revenue{.query = query, .scope = scope};
  const auto periods = periods_of(query.range, query.group_by, *query.zone);
  CHECK(periods && periods->size() == from_transfers.size());
  for (std::size_t i = 0; i < periods->size(); ++i) {
    revenue.periods.push_back({(*periods)[i], {.from_transfers = from_transfers[i]}});
  }
  for (const Movement& movement : movements) {
    revenue.periods.at(movement.period).figures.add(movement);
  }
  for (RevenuePeriod& period : revenue.periods) {
    if (scope.without_transfers) period.figures.leave_out_transfers();
    revenue.total.add(period.figures);
  }
  return revenue;
}

std::int64_t divide_rounded(std::int64_t dividend, std::int64_t divisor) {
  CHECK(divisor > 0);
  const __int128 half = dividend < 0 ? -divisor : divisor;
  const __int128 twice = static_cast<__int128>(dividend) * 2 + half;
  return static_cast<std::int64_t>(twice / (static_cast<__int128>(divisor) * 2));
}

OrderedJson to_json(const Revenue& revenue) {
  const Currency currency = revenue.scope.accounts.currency;
  OrderedJson json = heading(
      revenue.query, revenue.scope,
      std::string(kRevenueDefinition) +
          std::string(revenue.scope.without_transfers ? kTransfersLeftOut : kTransfersIncluded));
  json["group_by"] = name_of(revenue.query.group_by);
  json["periods"] = OrderedJson::array();
  for (const RevenuePeriod& period : revenue.periods) {
    OrderedJson one{{"date", text_of(period.period.date)},
                    {"start", to_iso(period.period.range.begin)},
                    {"end", to_iso(period.period.range.end)}};
    put(one, "revenue", period.figures.revenue, currency);
    one["count"] = period.figures.count;
    put(one, "average", period.figures.average(), currency);
    put_figures(one, period.figures, currency);
    json["periods"].push_back(std::move(one));
  }
  put(json, "total", revenue.total.revenue, currency);
  put(json, "average", revenue.average_per_period(), currency);
  json["count"] = revenue.total.count;
  put(json, "average_payment", revenue.total.average(), currency);
  put_figures(json, revenue.total, currency);
  return json;
}

Table to_table(const Revenue& revenue) {
  const Currency currency = revenue.scope.accounts.currency;
  Table table{.columns = {"date", "currency", "revenue", "count", "average", "refunds", "disputes",
                          "fees", "application_fees_earned", "net", "from_transfers"},
              .rows = {}};
  for (const RevenuePeriod& period : revenue.periods) {
    const RevenueFigures& figures = period.figures;
    const auto average = figures.average();
    table.rows.push_back(
        {text_of(period.period.date), currency.str(), Money{figures.revenue, currency},
         figures.count, average ? Cell(Money{*average, currency}) : Cell(),
         Money{figures.refunds, currency}, Money{figures.disputes, currency},
         Money{figures.fees, currency}, Money{figures.application_fees_earned, currency},
         Money{figures.net(), currency}, Money{figures.from_transfers.amount, currency}});
  }
  return table;
}

Result<Revenue> revenue(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<Revenue> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto periods = periods_of(query.range, query.group_by, *query.zone);
    CHECK(periods);  // read_query has seen that they are not too many
    const auto bounds = bounds_of(*periods);
    const auto movements =
        movements_store::movements(tx, scope->accounts, bounds, movements_store::Detail::sums);
    return revenue_of(query, *scope, movements,
                      movements_store::from_transfers(tx, scope->accounts, bounds));
  });
}

const Report& revenue_report() {
  static const Report report{.name = "revenue",
                             .about = "Gross and net by day, week or month",
                             .grouped = Grouped::yes,
                             .read = read_plainly<Revenue, revenue>,
                             .docs = revenue_docs};
  return report;
}

}  // namespace payoutd::reports
