#include "reports/fees.h"

#include <array>

#include "base/check.h"
#include "base/money.h"
#include "reports/report_docs.h"

namespace payoutd::reports {
namespace {

constexpr std::string_view kFeesDefinition =
    "total_paid is the sum of `fee` over every balance transaction of the period, and of what "
    "fee and tax transactions took; it equals the sum of the kinds and the sum of the "
    "categories. A fee given back is negative. processing_fees, refund_fees and dispute_fees are "
    "Stripe's own fee on charges, refunds and disputes; instant_payout_fees that on payouts, and "
    "fee transactions whose source is a payout or whose description says instant payout; "
    "application_fees go to the platform, passthrough_fees to the card networks; taxes are tax "
    "details and tax transactions; product_fees are Stripe's other fee transactions (Radar, "
    "Billing, Connect). A kind's count is of fees, a category's of transactions. Application "
    "fees earned are beside the total, not in it. By the transactions' own `created`.";

// In the order in which they are shown.
enum Service : std::size_t {
  kProcessing,
  kPassthrough,
  kApplication,
  kRefund,
  kDispute,
  kInstantPayout,
  kTax,
  kWithheldTax,
  kProduct,
  kConversion,
  kOther,
  kKinds,
};
constexpr std::array<const char*, kKinds> kNames = {"processing_fees",
                                                    "passthrough_fees",
                                                    "application_fees",
                                                    "refund_fees",
                                                    "dispute_fees",
                                                    "instant_payout_fees",
                                                    "taxes",
                                                    "withheld_taxes",
                                                    "product_fees",
                                                    "currency_conversion_fees",
                                                    "other_fees"};

// Whose service Stripe's own fee on a transaction pays for.
Service kind_of_stripe_fee(std::string_view category) {
  if (category == "charge" || category == "partial_capture_reversal" ||
      category == "charge_failure") {
    return kProcessing;
  }
  if (category == "refund" || category == "refund_failure") return kRefund;
  if (category == "dispute" || category == "dispute_reversal") return kDispute;
  if (category == "payout" || category == "payout_reversal") return kInstantPayout;
  return kOther;
}

Service kind_of_fee_row(const Movement& movement) {
  if (movement.reporting_category == "tax") return kTax;
  if (movement.type == "stripe_fee") return kProduct;
  return movement.type == "stripe_fx_fee" ? kConversion : kOther;
}

bool is_fee_row(const Movement& movement) {
  return movement.reporting_category == "fee" || movement.reporting_category == "tax";
}

http::Docs fees_docs() {
  const Json kind =
      Schema()
          .text("kind", "processing_fees, application_fees, …: each once, in this order")
          .count("count", "Fees.")
          .money("amount", "Paid; negative: given back.")
          .json();
  const Json category = Schema()
                            .text("reporting_category", "Stripe's")
                            .count("count", "Transactions of it in groups that bore fees.")
                            .money("amount", "Fees that they bore.")
                            .json();
  const Json earned = Schema()
                          .count("count", "Application fees earned.")
                          .money("amount", "Their sum.")
                          .count("refunded_count", "Refunds of such fees.")
                          .money("refunded", "Their sum.")
                          .money("net", "amount - refunded")
                          .json();
  Schema schema = headed();
  schema.money("total_paid", "The sum of the kinds, and of the categories.")
      .list("kinds", kind, "By what was paid for.")
      .list("categories", category, "By the transactions that bore them.")
      .field("application_fees_earned", earned, "Beside total_paid, not in it.");
  return docs_of("Fees by kind", Grouped::no, schema,
                 to_json(fees_of(example_query(), example_scope(), example_movements(), {})));
}

}  // namespace

Fees fees_of(const ReportQuery& query, const Scope& scope, const std::vector<Movement>& movements,
             const FeeSum& of_payouts) {
  Fees fees{.query = query, .scope = scope};
  for (const char* name : kNames) fees.kinds.push_back({name, {}});
  for (const Movement& m : movements) {
    fees.kinds[kind_of_stripe_fee(m.reporting_category)].sum += m.stripe;
    fees.kinds[kPassthrough].sum += m.passthrough;
    fees.kinds[kApplication].sum += m.application;
    fees.kinds[kTax].sum += m.tax;
    fees.kinds[kWithheldTax].sum += m.withheld_tax;
    fees.kinds[kOther].sum += m.other;
    std::int64_t borne = m.fee;
    if (is_fee_row(m)) {
      fees.kinds[kind_of_fee_row(m)].sum += {m.rows, -m.amount};
      borne = checked_add(borne, -m.amount);
    }
    if (borne != 0) fees.by_category[m.reporting_category] += {m.rows, borne};
    fees.total = checked_add(fees.total, borne);
    if (m.reporting_category == "platform_earning") fees.earned += {m.rows, m.amount};
    if (m.reporting_category == "platform_earning_refund") {
      fees.earned_refunded += {m.rows, -m.amount};
    }
  }
  fees.kinds[kProduct].sum += {-of_payouts.count, -of_payouts.amount};
  fees.kinds[kInstantPayout].sum += of_payouts;
  return fees;
}

OrderedJson to_json(const Fees& fees) {
  const Currency currency = fees.scope.accounts.currency;
  const auto sum = [&](const char* key, std::string_view name, const FeeSum& of) {
    OrderedJson json{{key, name}, {"count", of.count}};
    put(json, "amount", of.amount, currency);
    return json;
  };
  OrderedJson json = heading(fees.query, fees.scope, kFeesDefinition);
  put(json, "total_paid", fees.total, currency);
  json["kinds"] = OrderedJson::array();
  for (const FeeKind& kind : fees.kinds) json["kinds"].push_back(sum("kind", kind.kind, kind.sum));
  json["categories"] = OrderedJson::array();
  for (const auto& [category, of] : fees.by_category) {
    json["categories"].push_back(sum("reporting_category", category, of));
  }
  OrderedJson earned{{"count", fees.earned.count}};
  put(earned, "amount", fees.earned.amount, currency);
  earned["refunded_count"] = fees.earned_refunded.count;
  put(earned, "refunded", fees.earned_refunded.amount, currency);
  put(earned, "net", checked_add(fees.earned.amount, -fees.earned_refunded.amount), currency);
  json["application_fees_earned"] = std::move(earned);
  return json;
}

Table to_table(const Fees& fees) {
  const Currency currency = fees.scope.accounts.currency;
  Table table{.columns = {"kind", "currency", "count", "amount"}, .rows = {}};
  const auto add = [&](const std::string& name, const FeeSum& sum) {
    table.rows.push_back({name, currency.str(), sum.count, Money{sum.amount, currency}});
  };
  for (const FeeKind& kind : fees.kinds) add(kind.kind, kind.sum);
  table.rows.push_back(
      {std::string("total_paid"), currency.str(), Cell(), Money{fees.total, currency}});
  add("application_fees_earned", fees.earned);
  add("application_fees_refunded", {fees.earned_refunded.count, -fees.earned_refunded.amount});
  return table;
}

Result<Fees> fees(pg::Database& db, OrgId organization, const ReportQuery& query) {
  return db.read([&](pg::Tx& tx) -> Result<Fees> {
    const auto scope = scope_of(tx, organization, query);
    if (!scope) return scope.error();
    const auto movements = movements_store::movements(
        tx, scope->accounts, {query.range.begin, query.range.end}, movements_store::Detail::fees);
    return fees_of(
        query, *scope, movements,
        movements_store::payout_fees(tx, scope->accounts, query.range.begin, query.range.end));
  });
}

const Report& fees_report() {
  static const Report report{.name = "fees",
                             .about = "What was paid, by kind",
                             .read = read_plainly<Fees, fees>,
                             .docs = fees_docs};
  return report;
}

}  // namespace payoutd::reports
