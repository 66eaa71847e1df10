#include "reports/report_docs.h"

#include "base/check.h"
#include "jobs/time_zone.h"

namespace payoutd::reports {

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

}  // namespace payoutd::reports
