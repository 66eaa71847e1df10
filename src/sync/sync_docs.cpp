#include "sync/sync_docs.h"

#include "http/page.h"
#include "http/schema.h"

namespace payoutd::sync {

namespace {

namespace is = http::schema;

void add_counts(Json& fields) {
  fields["pages"] = is::count("Pages read.");
  fields["rows"] = is::count("Objects that Stripe showed.");
  fields["rows_created"] = is::count("Of them not mirrored before.");
  fields["rows_changed"] = is::count("Of them mirrored in an older version.");
  fields["requests"] = is::count("Requests sent, repeats included.");
}

Json stream_schema() {
  Json fields{
      {"account", is::text("acct_…")},
      {"stream",
       is::text(
           "The list, or what else was looked after; `account` tells of the account as a whole.")},
      {"kind",
       is::text("whole, rescan, increment, fetched, transactions, pending, check, account")},
      {"status",
       is::word("How it ended.", {"succeeded", "failed", "interrupted", "busy", "deauthorized"})},
      {"rows_refused",
       is::count("Objects that could not be read or kept; `error` names the first.")},
      {"error", is::or_null(is::text("What went wrong."))},
      {"finished_at", is::time("When it ended.")}};
  add_counts(fields);
  return is::object(std::move(fields));
}

Json run_schema(bool with_streams) {
  Json fields{
      {"id", is::uuid("Ours.")},
      {"status",
       is::word("partial: some accounts or lists failed. interrupted: the next run goes on where "
                "this one was.",
                {"queued", "running", "succeeded", "partial", "failed", "interrupted"})},
      {"asked_by", is::text("schedule, start, cli, or the actor who asked.")},
      {"account", is::or_null(is::text("Only this one; null: all."))},
      {"repair", is::flag("All lists were read whole.")},
      {"accounts", is::count("Accounts looked after.")},
      {"rate_limited", is::count("Requests that Stripe answered 429; all were sent again.")},
      {"error", is::or_null(is::text("The first thing that went wrong."))},
      {"queued_at", is::time("When it was asked for.")},
      {"started_at", is::or_null(is::time("When it began."))},
      {"finished_at", is::or_null(is::time("When it ended."))}};
  add_counts(fields);
  if (with_streams) fields["streams"] = is::array(stream_schema(), "Each account's lists.");
  return is::object(std::move(fields));
}

Json run_example(bool with_streams) {
  Json example{{"id", "019a9f3c-52c1-7b6e-8d0a-5f1c2e3d4b5a"},
               {"status", "succeeded"},
               {"asked_by", "schedule"},
               {"account", nullptr},
               {"repair", false},
               {"accounts", 4},
               {"pages", 61},
               {"rows", 4210},
               {"rows_created", 37},
               {"rows_changed", 58},
               {"requests", 93},
               {"rate_limited", 0},
               {"error", nullptr},
               {"queued_at", "2026-03-01T02:00:00Z"},
               {"started_at", "2026-03-01T02:00:00Z"},
               {"finished_at", "2026-03-01T02:00:04Z"}};
  if (!with_streams) return example;
  example["streams"] = Json::array({{{"account", "acct_1PlatformDemo001"},
                                     {"stream", "balance_transactions"},
                                     {"kind", "increment"},
                                     {"status", "succeeded"},
                                     {"pages", 1},
                                     {"rows", 12},
                                     {"rows_created", 5},
                                     {"rows_changed", 0},
                                     {"rows_refused", 0},
                                     {"requests", 1},
                                     {"error", nullptr},
                                     {"finished_at", "2026-03-01T02:00:02Z"}}});
  return example;
}

Json balance_schema() {
  const auto ids = [](const char* about) { return is::array(is::text("txn_…"), about); };
  return is::object(
      {{"account", is::text("acct_…")},
       {"currency", is::text("ISO 4217, lower case.")},
       {"state", is::word("moving: the balance never stood still while it was compared.",
                          {"equal", "different", "moving"})},
       {"expected", is::minor("Stripe's balance, available and pending together.")},
       {"available", is::minor("Stripe's.")},
       {"pending", is::minor("Stripe's.")},
       {"found", is::minor("The sum of `net` over the mirrored rows.")},
       {"difference", is::minor("expected - found")},
       {"rows", is::count("Mirrored rows.")},
       {"checked_at", is::time("When the two were compared.")},
       {"first_day",
        is::or_null(is::date("Where a difference shows first, once the days were compared."))},
       {"missing", ids("At Stripe and not in the mirror.")},
       {"altered", ids("Different in the two.")},
       {"surplus", ids("In the mirror and not at Stripe.")}});
}

Json payout_check_schema() {
  return is::object(
      {{"account", is::text("acct_…")},
       {"payout", is::text("po_…")},
       {"currency", is::text("ISO 4217, lower case.")},
       {"amount", is::minor("The payout's.")},
       {"found", is::minor("The sum of `net` of its transactions without its own row.")},
       {"difference", is::minor("amount - found")},
       {"created", is::time("The payout's.")}});
}

Json completeness_schema() {
  return is::object(
      {{"complete", is::flag("Everything was checked, and nothing differs.")},
       {"balances", is::array(balance_schema(), "By account and currency.")},
       {"payouts", is::array(payout_check_schema(),
                             "Automatic payouts whose transactions do not sum to them.")},
       {"fresh_until",
        is::or_null(is::time("The time up to which the account's (of several: the oldest) balance "
                             "transactions are known; null: never synced."))},
       {"last_run", is::or_null(run_schema(false))}});
}

Json completeness_example() {
  Json example = Json::parse(R"({"complete": true, "balances": [{
    "account": "acct_1PlatformDemo001", "currency": "usd", "state": "equal", "expected": 1250000,
    "available": 1200000, "pending": 50000, "found": 1250000, "difference": 0, "rows": 812,
    "checked_at": "2026-03-01T02:00:04Z", "first_day": null, "missing": [], "altered": [], "surplus": []}],
    "payouts": []})");
  example["fresh_until"] = "2026-03-01T09:14:31Z";
  example["last_run"] = run_example(false);
  return example;
}

}  // namespace

http::Docs sync_docs() {
  http::Docs docs{"Read everything that Stripe has into the mirror", "sync"};
  docs.parameters =
      Json::array({is::account_query(),
                   {{"name", "Prefer"},
                    {"in", "header"},
                    {"description", "respond-async: answers 202 at once, with the run to watch."},
                    {"schema", {{"type", "string"}}}}});
  const Json account = is::or_null(is::text("acct_…; all of the organization's without it."));
  docs.request_body = is::body(is::object({{"account", account}}, {"account"}),
                               {{"account", "acct_1PlatformDemo001"}}, false);
  docs.responses["200"] = is::answer("The run, at its end.", run_schema(true), run_example(true));
  docs.responses["202"] =
      is::answer("The run, which will begin soon.", run_schema(false), run_example(false));
  return docs;
}

http::Docs runs_docs() {
  http::Docs docs{"List what was synced, the newest run first", "sync"};
  docs.parameters = http::page_parameters();
  docs.responses["200"] = is::answer(
      "One page.", is::page(run_schema(false)),
      {{"data", Json::array({run_example(false)})}, {"has_more", false}, {"next_cursor", nullptr}});
  return docs;
}

http::Docs run_docs() {
  http::Docs docs{"Show a run with each of its lists", "sync"};
  docs.responses["200"] = is::answer("The run.", run_schema(true), run_example(true));
  return docs;
}

http::Docs completeness_docs() {
  http::Docs docs{"The proof that the mirror is whole, as the last sync left it", "sync"};
  docs.parameters = Json::array({is::account_query()});
  docs.responses["200"] =
      is::answer("Each account and currency.", completeness_schema(), completeness_example());
  return docs;
}

}  // namespace payoutd::sync
