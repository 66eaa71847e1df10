#include "sync/sync_docs.h"

#include "access/page.h"

namespace payoutd::sync {

namespace {

Json count(const char* about) { return {{"type", "integer"}, {"format", "int64"}, {"description", about}}; }
Json text(const char* about) { return {{"type", "string"}, {"description", about}}; }
Json text_or_null(const char* about) { return {{"type", {"string", "null"}}, {"description", about}}; }
Json time_or_null(const char* about) {
  return {{"type", {"string", "null"}}, {"format", "date-time"}, {"description", about}};
}

Json stream_schema() {
  return {{"type", "object"},
          {"properties",
           {{"account", text("acct_…")},
            {"stream", text("The list, or what else was looked after; `account` tells of the account as a whole.")},
            {"kind", text("whole, rescan, increment, fetched, members, pending, check, account")},
            {"status", {{"type", "string"}, {"enum", {"succeeded", "failed", "interrupted", "busy", "deauthorized"}}}},
            {"pages", count("Pages read.")},
            {"rows", count("Objects that Stripe showed.")},
            {"rows_created", count("Of them not mirrored before.")},
            {"rows_changed", count("Of them mirrored in an older version.")},
            {"rows_refused", count("That could not be read; `error` says why.")},
            {"requests", count("Requests sent, repeats included.")},
            {"error", text_or_null("What went wrong.")},
            {"finished_at", {{"type", "string"}, {"format", "date-time"}}}}}};
}

Json run_schema(bool with_streams) {
  Json schema{{"type", "object"},
              {"properties",
               {{"id", {{"type", "string"}, {"format", "uuid"}}},
                {"status", {{"type", "string"},
                            {"enum", {"queued", "running", "succeeded", "partial", "failed", "interrupted"}},
                            {"description", "partial: some accounts or lists failed. interrupted: the next run "
                                            "goes on where this one was."}}},
                {"asked_by", text("schedule, start, cli, or the key that asked")},
                {"account", text_or_null("Only this one; null: all.")},
                {"repair", {{"type", "boolean"}, {"description", "All lists were read whole."}}},
                {"accounts", {{"type", "integer"}}},
                {"pages", count("Pages read.")},
                {"rows", count("Objects that Stripe showed.")},
                {"rows_created", count("Of them not mirrored before.")},
                {"rows_changed", count("Of them mirrored in an older version.")},
                {"requests", count("Requests sent, repeats included.")},
                {"rate_limited", count("Requests that Stripe answered 429; all were sent again.")},
                {"error", text_or_null("The first thing that went wrong.")},
                {"queued_at", {{"type", "string"}, {"format", "date-time"}}},
                {"started_at", time_or_null("When it began.")},
                {"finished_at", time_or_null("When it ended.")}}}};
  if (with_streams) schema["properties"]["streams"] = {{"type", "array"}, {"items", stream_schema()}};
  return schema;
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

Json response(const char* about, const Json& schema, const Json& example) {
  return {{"description", about},
          {"content", {{"application/json", {{"schema", schema}, {"example", example}}}}}};
}

Json account_parameter() {
  return {{"name", "account"}, {"in", "query"}, {"description", "acct_…; all of the organization's without it"},
          {"schema", {{"type", "string"}}}};
}

Json completeness_schema() {
  const Json ids{{"type", "array"}, {"items", {{"type", "string"}}}};
  const Json balance{
      {"type", "object"},
      {"properties",
       {{"account", text("acct_…")},
        {"currency", text("ISO 4217, lower case")},
        {"state", {{"type", "string"},
                   {"enum", {"equal", "different", "moving"}},
                   {"description", "moving: the balance never stood still while it was compared."}}},
        {"expected", count("Stripe's balance, available and pending together, in minor units.")},
        {"available", count("Stripe's.")},
        {"pending", count("Stripe's.")},
        {"found", count("The sum of `net` over the mirrored rows.")},
        {"difference", count("expected - found")},
        {"rows", count("Mirrored rows.")},
        {"checked_at", {{"type", "string"}, {"format", "date-time"}}},
        {"first_day", {{"type", {"string", "null"}}, {"format", "date"},
                       {"description", "Where a difference shows first, once the days were compared."}}},
        {"missing", ids},
        {"altered", ids},
        {"surplus", ids}}}};
  const Json payout{{"type", "object"},
                    {"properties",
                     {{"account", text("acct_…")},
                      {"payout", text("po_…")},
                      {"currency", text("ISO 4217, lower case")},
                      {"amount", count("The payout's.")},
                      {"found", count("The sum of `net` of its transactions without its own row.")},
                      {"difference", count("amount - found")},
                      {"created", {{"type", "string"}, {"format", "date-time"}}}}}};
  Json last_run = run_schema(false);
  last_run["type"] = {"object", "null"};
  return {{"type", "object"},
          {"properties",
           {{"complete", {{"type", "boolean"}, {"description", "Everything was checked, and nothing differs."}}},
            {"balances", {{"type", "array"}, {"items", balance}}},
            {"payouts", {{"type", "array"}, {"items", payout},
                         {"description", "Automatic payouts whose transactions do not sum to them."}}},
            {"last_run", last_run}}}};
}

}  // namespace

http::Docs sync_docs() {
  http::Docs docs{"Read everything that Stripe has into the mirror", "Sync"};
  docs.parameters = Json::array(
      {account_parameter(),
       {{"name", "Prefer"}, {"in", "header"},
        {"description", "respond-async: answers 202 at once, with the run to watch."},
        {"schema", {{"type", "string"}}}}});
  docs.request_body = {
      {"required", false},
      {"content",
       {{"application/json",
         {{"schema", {{"type", "object"},
                      {"additionalProperties", false},
                      {"properties", {{"account", {{"type", {"string", "null"}}}}}}}},
          {"example", {{"account", "acct_1PlatformDemo001"}}}}}}}};
  docs.responses = {{"200", response("The run, at its end.", run_schema(true), run_example(true))},
                    {"202", response("The run, which will begin soon.", run_schema(false), run_example(false))}};
  return docs;
}

http::Docs runs_docs() {
  http::Docs docs{"List what was synced, the newest run first", "Sync"};
  docs.parameters = access::page_parameters();
  const Json schema{{"type", "object"},
                    {"required", {"data", "has_more", "next_cursor"}},
                    {"properties", {{"data", {{"type", "array"}, {"items", run_schema(false)}}},
                                    {"has_more", {{"type", "boolean"}}},
                                    {"next_cursor", {{"type", {"string", "null"}}}},
                                    {"total", {{"type", "integer"}}}}}};
  docs.responses = {{"200", response("One page.", schema,
                                     {{"data", Json::array({run_example(false)})},
                                      {"has_more", false},
                                      {"next_cursor", nullptr}})}};
  return docs;
}

http::Docs run_docs() {
  http::Docs docs{"Show a run with each of its lists", "Sync"};
  docs.responses = {{"200", response("The run.", run_schema(true), run_example(true))}};
  return docs;
}

http::Docs completeness_docs() {
  http::Docs docs{"The proof that the mirror is whole, as the last sync left it", "Sync"};
  docs.parameters = Json::array({account_parameter()});
  docs.responses = {{"200", response("Each account and currency.", completeness_schema(),
                                     {{"complete", true},
                                      {"balances", Json::array({{{"account", "acct_1PlatformDemo001"},
                                                                 {"currency", "usd"},
                                                                 {"state", "equal"},
                                                                 {"expected", 1250000},
                                                                 {"available", 1200000},
                                                                 {"pending", 50000},
                                                                 {"found", 1250000},
                                                                 {"difference", 0},
                                                                 {"rows", 812},
                                                                 {"checked_at", "2026-03-01T02:00:04Z"},
                                                                 {"first_day", nullptr},
                                                                 {"missing", Json::array()},
                                                                 {"altered", Json::array()},
                                                                 {"surplus", Json::array()}}})},
                                      {"payouts", Json::array()},
                                      {"last_run", run_example(false)}})}};
  return docs;
}

}  // namespace payoutd::sync
