#include "reports/reports_docs.h"

#include "http/page.h"
#include "reports/reports.h"

namespace payoutd::reports {
namespace {

// An object's schema; every field that is named is required, but the optional ones.
class Schema {
 public:
  Schema& field(const std::string& name, Json schema, const char* about = nullptr) {
    if (about != nullptr) schema["description"] = about;
    properties_[name] = std::move(schema);
    required_.push_back(name);
    return *this;
  }
  Schema& text(const std::string& name, const char* about) {
    return field(name, {{"type", "string"}}, about);
  }
  Schema& text_or_null(const std::string& name, const char* about) {
    return field(name, {{"type", {"string", "null"}}}, about);
  }
  Schema& time(const std::string& name, const char* about) {
    return field(name, {{"type", "string"}, {"format", "date-time"}}, about);
  }
  Schema& time_or_null(const std::string& name, const char* about) {
    return field(name, {{"type", {"string", "null"}}, {"format", "date-time"}}, about);
  }
  Schema& flag(const std::string& name, const char* about) {
    return field(name, {{"type", "boolean"}}, about);
  }
  Schema& count(const std::string& name, const char* about) {
    return field(name, {{"type", "integer"}, {"format", "int64"}}, about);
  }
  Schema& optional_count(const std::string& name, const char* about) {
    count(name, about);
    required_.erase(required_.size() - 1);
    return *this;
  }
  Schema& money(const std::string& name, const char* about) {
    count(name, about);
    return text(name + "_decimal", "The same in major units.");
  }
  Schema& money_or_null(const std::string& name, const char* about) {
    field(name, {{"type", {"integer", "null"}}, {"format", "int64"}}, about);
    return text_or_null(name + "_decimal", "The same in major units.");
  }
  Schema& list(const std::string& name, Json items, const char* about) {
    return field(name, {{"type", "array"}, {"items", std::move(items)}}, about);
  }
  Json json() const {
    return {{"type", "object"}, {"required", required_}, {"properties", properties_}};
  }

 private:
  Json properties_ = Json::object(), required_ = Json::array();
};

Schema headed() {
  Schema schema;
  schema.text_or_null("account", "acct_…; null: all of the organization's")
      .text("currency", "ISO 4217, lower case: of every amount here")
      .list("other_currencies", {{"type", "string"}},
            "That had movements too, at any time; ask for each.")
      .text("timezone", "Whose days are meant.")
      .time_or_null("start",
                    "The first instant that counts. Null where a payout was asked for by its id.")
      .time_or_null("end", "The first instant that does not count any more.")
      .time_or_null("fresh_until",
                    "The time up to which the account's (of several: the oldest) balance "
                    "transactions are known; null: never synced.")
      .text("definition", "What the figures mean, in a few sentences.");
  return schema;
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

Json category_schema() {
  return Schema()
      .text("reporting_category", "Stripe's")
      .count("count", "Transactions.")
      .money("gross", "The sum of their `amount`.")
      .money("fee", "The sum of their `fee`.")
      .money("net", "The sum of their `net`.")
      .json();
}

// The examples are made by the code that makes the answers.
ReportQuery example_query() {
  ReportQuery query;
  query.account = "acct_1PlatformDemo001";
  query.timezone = "Europe/Berlin";
  // The first day of 2026 there.
  query.range = {from_unix(1'767'222'000), from_unix(1'767'308'400)};
  const auto zone = jobs::find_time_zone("UTC");
  CHECK(zone.ok());
  query.zone = *zone;
  query.group_by = GroupBy::week;
  return query;
}

Scope example_scope() {
  Scope scope;
  scope.accounts.currency = *Currency::parse("eur");
  scope.other_currencies = {"usd"};
  scope.fresh_until = from_unix(1'767'308'341);
  return scope;
}

std::vector<Movement> example_movements() {
  Movement charge{.type = "charge",
                  .reporting_category = "charge",
                  .rows = 2,
                  .amount = 15'000,
                  .fee = 495,
                  .net = 14'505};
  charge.stripe = {2, 495};
  const Movement refund{
      .type = "refund", .reporting_category = "refund", .rows = 1, .amount = -2'500, .net = -2'500};
  const Movement payout{.type = "payout",
                        .reporting_category = "payout",
                        .rows = 1,
                        .amount = -10'000,
                        .net = -10'000};
  return {charge, refund, payout};
}

Json top_customer_schema() {
  return Schema()
      .text("customer", "cus_…")
      .text("account", "acct_…")
      .text_or_null("name", "Gone when the customer is deleted.")
      .text_or_null("email", "Gone when the customer is deleted.")
      .flag("deleted", "Since then.")
      .count("payments", "In the period.")
      .money("revenue", "Gross, in the period.")
      .json();
}

Json churn_schema() {
  return Schema()
      .count("active_30_days_before", "Subscribers 30 days before the end.")
      .count("new", "Who subscribed for the first time ever since then.")
      .count("churned", "Of both, those without a running subscription at the end.")
      .text_or_null("rate",
                    "churned / (active_30_days_before + new), four decimals; "
                    "null where there was nobody")
      .json();
}

Customers example_customers() {
  Customers example;
  example.query = example_query();
  example.scope = example_scope();
  example.as_of = example.query.range.end;
  example.unique = 3, example.paying = 2, example.subscribed = 2, example.fresh = 1;
  example.top.push_back({.account = "acct_1PlatformDemo001",
                         .customer = "cus_Ab3",
                         .name = "Ada Byron",
                         .email = "ada@example.com",
                         .revenue = 12'000,
                         .payments = 1});
  example.churn = {10, 1, 1};
  example.active_subscriptions = 11, example.active_subscribers = 10, example.mrr = 21'900;
  return example;
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

http::Docs docs_of(const char* summary, Grouped grouped, const Schema& schema,
                   const OrderedJson& example) {
  http::Docs docs{summary, "reports"};
  docs.parameters = query_parameters(grouped);
  docs.responses = {
      {"200",
       {{"description", "The report. As CSV: a header line, amounts as decimals in major units."},
        {"headers",
         {{"X-Payoutd-Fresh-Until",
           {{"description", "With CSV: `fresh_until`. Without it: never synced."},
            {"schema", {{"type", "string"}, {"format", "date-time"}}}}}}},
        {"content",
         {{"application/json",
           {{"schema", schema.json()}, {"example", Json::parse(example.dump())}}},
          {"text/csv", {{"schema", {{"type", "string"}}}}}}}}}};
  return docs;
}

}  // namespace

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

http::Docs customers_docs() {
  Schema schema = headed();
  schema
      .count("unique_customers",
             "Who paid in the period or had a subscription that ran in it, each once.")
      .count("paying_customers", "Who paid in the period.")
      .count("subscribed_customers", "Who had a subscription that ran in the period.")
      .count("deleted_customers", "Of the unique ones, deleted since.")
      .count("guest_payments", "Payments without a customer.")
      .count("new_customers", "Customer objects created in the period.")
      .list("top", top_customer_schema(), "By revenue, at most `limit`.")
      .field("churn", churn_schema(), "Over the 30 days before the end.")
      .time("as_of", "When the next figures were read from the mirror.")
      .count("active_subscriptions", "Active or past due, with a price.")
      .count("active_subscribers", "Customers who have one.")
      .money("mrr", "Monthly recurring revenue of them.");
  http::Docs docs =
      docs_of("Customers and subscribers", Grouped::no, schema, to_json(example_customers()));
  docs.parameters.push_back(
      {{"name", "limit"},
       {"in", "query"},
       {"description", "How many top customers."},
       {"schema",
        {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostTop}, {"default", kDefaultTop}}}});
  return docs;
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

}  // namespace payoutd::reports
