#include "reports/reports_api.h"

#include "access/principal.h"
#include "http/params.h"
#include "reports/reports.h"
#include "reports/reports_docs.h"

namespace payoutd::reports {
namespace {

bool wants_csv(http::Fields& fields, const http::Request& request) {
  const auto format = fields.word({"format"}, {"json", "csv"});
  if (format) return *format == "csv";
  const auto accept = request.header("accept");
  return accept && accept->find("text/csv") != std::string_view::npos;
}

// The answer in the form that was asked for.
template <class Report>
http::Reply answer(const http::Request& request, const Result<Report>& report, bool as_csv,
                   std::string_view name) {
  if (!report) return http::error_reply(report.error(), request.request_id);
  if (!as_csv) return http::Reply::json(200, to_json(*report));
  http::Reply reply =
      http::Reply::text(200, csv(to_table(*report)), "text/csv; charset=utf-8; header=present")
          .with("Content-Disposition", "attachment; filename=\"" + std::string(name) + ".csv\"");
  const auto fresh_until = report->scope.fresh_until;
  if (!fresh_until) return reply;
  return std::move(reply).with("X-Payoutd-Fresh-Until", to_iso(*fresh_until));
}

// A report that takes no parameters of its own.
template <class Report>
http::Reply plain(pg::Database& db, const Clock& clock, const http::Request& request,
                  Grouped grouped,
                  Result<Report> (*report)(pg::Database&, OrgId, const ReportQuery&),
                  std::string_view name) {
  auto fields = http::Fields::of_query(request);
  const ReportQuery query = read_query(fields, clock.now(), grouped);
  const bool as_csv = wants_csv(fields, request);
  if (const auto error = fields.done()) return http::error_reply(*error, request.request_id);
  return answer(request, report(db, access::principal(request).organization, query), as_csv, name);
}

http::Reply show_customers(pg::Database& db, const Clock& clock, const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const Time now = clock.now();
  const ReportQuery query = read_query(fields, now, Grouped::no);
  const auto top = fields.integer({"limit"}, 1, kMostTop).value_or(kDefaultTop);
  const bool as_csv = wants_csv(fields, request);
  if (const auto error = fields.done()) return http::error_reply(*error, request.request_id);
  return answer(request, customers(db, access::principal(request).organization, query, top, now),
                as_csv, "customers");
}

http::Reply show_reconciliation(pg::Database& db, const Clock& clock,
                                const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const ReportQuery query = read_query(fields, clock.now(), Grouped::no);
  const auto payout = fields.text({"payout"});
  const http::Page page = fields.page();
  const bool as_csv = wants_csv(fields, request);
  if (const auto error = fields.done()) return http::error_reply(*error, request.request_id);
  const OrgId organization = access::principal(request).organization;
  const auto found = payout ? reconcile_one(db, organization, query, *payout)
                            : reconcile(db, organization, query, page);
  http::Reply reply = answer(request, found, as_csv, "payout-reconciliation");
  if (!found || !as_csv || !found->page.next_cursor) return reply;
  return std::move(reply).with("X-Next-Cursor", *found->page.next_cursor);
}

}  // namespace

std::vector<http::Route> report_routes(pg::Database& db, const Clock& clock) {
  const auto route = [](const char* path, http::Docs docs, auto handle) {
    return http::Route{"GET", path, "read",
                       [handle](http::Context& context) { return handle(context.request); },
                       std::move(docs)};
  };
  using Request = http::Request;
  return {
      route(
          "/api/reports/revenue", revenue_docs(),
          [&](const Request& r) { return plain(db, clock, r, Grouped::yes, revenue, "revenue"); }),
      route("/api/reports/fees", fees_docs(),
            [&](const Request& r) { return plain(db, clock, r, Grouped::no, fees, "fees"); }),
      route("/api/reports/customers", customers_docs(),
            [&](const Request& r) { return show_customers(db, clock, r); }),
      route("/api/reports/payout-reconciliation", reconciliation_docs(),
            [&](const Request& r) { return show_reconciliation(db, clock, r); }),
      route("/api/reports/balance", balance_docs(),
            [&](const Request& r) { return plain(db, clock, r, Grouped::no, balance, "balance"); }),
  };
}

}  // namespace payoutd::reports
