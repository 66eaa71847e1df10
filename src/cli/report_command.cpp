#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>

#include "cli/command.h"
#include "reports/reports.h"

namespace payoutd::cli {
namespace {

struct ReportArguments {
  std::string organization;  // a name or an id; empty: the platform's own
  // By their names in the API: the same code reads them.
  std::map<std::string, std::string> parameters;
  bool csv = false, json = false;

  http::Fields fields() const {
    http::Request request;
    for (const auto& [name, value] : parameters) {
      if (!value.empty()) request.query.emplace_back(name, value);
    }
    return http::Fields::of_query(request);
  }
};

int refuse(const Error& error, const ReportArguments& arguments) {
  const int code = fail(error, arguments.json);
  if (!arguments.json && error.details.size() > 1) {
    for (const FieldError& detail : error.details) say("  " + detail.param + ": " + detail.message);
  }
  return error.kind == Kind::invalid ? kWrongUsage : code;
}

// For people, beside the table: what the figures are of.
std::string title(const reports::ReportQuery& query, const reports::Scope& scope) {
  std::string line =
      fmt::format("{}  {}  from {} until {}  {}", query.account.value_or("all accounts"),
                  scope.accounts.currency.str(), to_iso(query.range.begin), to_iso(query.range.end),
                  query.timezone);
  line += scope.fresh_until ? "  known until " + to_iso(*scope.fresh_until) : "  not synced yet";
  if (!scope.other_currencies.empty()) {
    line += fmt::format("  (also: {})", fmt::join(scope.other_currencies, ", "));
  }
  return line;
}

void write(const std::string& text) { std::fputs(text.c_str(), stdout); }

void write(const reports::Table& table, const ReportArguments& arguments) {
  write(arguments.csv ? reports::csv(table) : reports::lines(table));
}

// Every page of it: as JSON a line each, else one table.
int show(pg::Database& db, OrgId organization, const reports::Report& report,
         ReportArguments arguments) {
  if (report.pages) arguments.parameters["limit"] = "100";
  const Time now = SystemClock().now();  // one for all pages: they are of one period
  reports::Table table;
  for (bool first = true;; first = false) {
    auto fields = arguments.fields();
    const auto query = reports::read_query(fields, now, report.grouped);
    const reports::Reading read = report.read(fields, now);
    if (const auto error = fields.done()) return refuse(*error, arguments);
    auto shown = read(db, organization, query);
    if (!shown) return refuse(shown.error(), arguments);
    if (arguments.json) {
      print(shown->json());
    } else {
      if (first && !arguments.csv) say(title(shown->query, shown->scope));
      reports::Table page = shown->table();
      table.columns = std::move(page.columns);
      std::ranges::move(page.rows, std::back_inserter(table.rows));
    }
    if (!shown->next_cursor) break;
    arguments.parameters["cursor"] = *shown->next_cursor;
  }
  if (!arguments.json) write(table, arguments);
  return kDone;
}

void bind_report(CLI::App& command, Action& action, const reports::Report& report) {
  const auto arguments = std::make_shared<ReportArguments>();
  auto& given = arguments->parameters;
  command.add_option("--from", given["startDate"],
                     "a date, ISO 8601 or unix seconds (default: 30 days back)");
  command.add_option("--to", given["endDate"],
                     "a date is included whole; an instant is where it ends (default: now)");
  command.add_option("--currency", given["currency"], "ISO 4217 (default: the account's own)");
  command.add_option("--timezone", given["timezone"],
                     "whose days are meant: Europe/Berlin (default: UTC)");
  command.add_option("--account", given["account"], "acct_… (default: all of the organization's)");
  if (report.grouped == reports::Grouped::yes)
    command.add_option("--group-by", given["groupBy"], "day, week or month (default: day)");
  for (const reports::Parameter& own : report.parameters)
    command.add_option(own.option, given[own.name], own.about);
  add_organization(command, arguments->organization);
  auto* csv = command.add_flag("--csv", arguments->csv, "answer as CSV");
  command.add_flag("--json", arguments->json, "answer as JSON")->excludes(csv);
  command.callback([&action, &report, arguments] {
    action = [&report, arguments] {
      return with_database(arguments->json, [&](pg::Database& db, const app::Config&) {
        const auto organization = organization_of(db, arguments->organization);
        if (!organization) return fail(organization.error(), arguments->json);
        return show(db, organization->id, report, *arguments);
      });
    };
  });
}

}  // namespace

void add_report(CLI::App& program, Action& action) {
  auto* report = program.add_subcommand(
      "report", "Revenue, fees, customers, payouts and balances, to the cent");
  report->require_subcommand(1);
  for (const reports::Report* one : reports::all_reports())
    bind_report(*report->add_subcommand(one->name, one->about), action, *one);
}

}  // namespace payoutd::cli
