#include "reports/reports_api.h"

#include "access/principal.h"
#include "http/params.h"
#include "reports/reports.h"

namespace payoutd::reports {
namespace {

bool wants_csv(http::Fields& fields, const http::Request& request) {
  const auto format = fields.word({"format"}, {"json", "csv"});
  if (format) return *format == "csv";
  const auto accept = request.header("accept");
  return accept && accept->find("text/csv") != std::string_view::npos;
}

http::Reply csv_reply(const Report& report, const Shown& shown) {
  http::Reply reply =
      http::Reply::text(200, csv(shown.table()), "text/csv; charset=utf-8; header=present")
          .with("Content-Disposition",
                "attachment; filename=\"" + std::string(report.name) + ".csv\"");
  if (const auto fresh_until = shown.scope.fresh_until)
    reply.headers.emplace_back("X-Payoutd-Fresh-Until", to_iso(*fresh_until));
  if (shown.next_cursor) reply.headers.emplace_back("X-Next-Cursor", *shown.next_cursor);
  return reply;
}

http::Reply show(const Report& report, pg::Database& db, const Clock& clock,
                 const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const Time now = clock.now();
  const ReportQuery query = read_query(fields, now, report.grouped);
  const Reading read = report.read(fields, now);
  const bool as_csv = wants_csv(fields, request);
  if (const auto error = fields.done()) return http::error_reply(*error, request.request_id);
  const auto shown = read(db, access::principal(request).organization, query);
  if (!shown) return http::error_reply(shown.error(), request.request_id);
  return as_csv ? csv_reply(report, *shown) : http::Reply::json(200, shown->json());
}

}  // namespace

std::vector<http::Route> report_routes(pg::Database& db, const Clock& clock) {
  std::vector<http::Route> routes;
  for (const Report* report : all_reports()) {
    routes.push_back({"GET", std::string("/api/reports/") + report->name, "read",
                      [&db, &clock, report](http::Context& context) {
                        return show(*report, db, clock, context.request);
                      },
                      report->docs()});
  }
  return routes;
}

}  // namespace payoutd::reports
