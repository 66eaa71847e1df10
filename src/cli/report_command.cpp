#include <cstdio>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "reports/reports.h"

namespace payoutd::cli {
namespace {

struct ReportArguments {
  std::string organization;  // a name or an id; empty: the platform's own
  // As the API spells them: the same code reads them.
  std::string startDate, endDate, groupBy, currency, timezone, account, limit, payout;
  bool csv = false, json = false;

  http::Fields fields() const {
    http::Request request;
    for (const auto& [name, value] : {std::pair{"startDate", startDate},
                                      {"endDate", endDate},
                                      {"groupBy", groupBy},
                                      {"currency", currency},
                                      {"timezone", timezone},
                                      {"account", account},
                                      {"limit", limit},
                                      {"payout", payout}}) {
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

template <class Report>
int show(const Result<Report>& report, const ReportArguments& arguments) {
  if (!report) return refuse(report.error(), arguments);
  if (arguments.json) {
    print(to_json(*report));
    return kDone;
  }
  if (!arguments.csv) say(title(report->query, report->scope));
  write(to_table(*report), arguments);
  return kDone;
}

template <class Report>
int plain(pg::Database& db, OrgId organization, const ReportArguments& arguments,
          reports::Grouped grouped,
          Result<Report> (*report)(pg::Database&, OrgId, const reports::ReportQuery&)) {
  auto fields = arguments.fields();
  const auto query = reports::read_query(fields, SystemClock().now(), grouped);
  if (const auto error = fields.done()) return refuse(*error, arguments);
  return show(report(db, organization, query), arguments);
}

int revenue(pg::Database& db, OrgId organization, const ReportArguments& arguments) {
  return plain(db, organization, arguments, reports::Grouped::yes, reports::revenue);
}

int fees(pg::Database& db, OrgId organization, const ReportArguments& arguments) {
  return plain(db, organization, arguments, reports::Grouped::no, reports::fees);
}

int balance(pg::Database& db, OrgId organization, const ReportArguments& arguments) {
  return plain(db, organization, arguments, reports::Grouped::no, reports::balance);
}

int customers(pg::Database& db, OrgId organization, const ReportArguments& arguments) {
  auto fields = arguments.fields();
  const Time now = SystemClock().now();
  const auto query = reports::read_query(fields, now, reports::Grouped::no);
  const auto top = fields.integer({"limit"}, 1, reports::kMostTop).value_or(reports::kDefaultTop);
  if (const auto error = fields.done()) return refuse(*error, arguments);
  return show(reports::customers(db, organization, query, top, now), arguments);
}

// Every page: as JSON a line each, else one table.
int reconcile_all(pg::Database& db, OrgId organization, const reports::ReportQuery& query,
                  const ReportArguments& arguments) {
  reports::Table table;
  http::Page page{.limit = 100};
  for (bool first = true;; first = false) {
    const auto found = reports::reconcile(db, organization, query, page);
    if (!found) return refuse(found.error(), arguments);
    if (arguments.json) {
      print(to_json(*found));
    } else {
      if (first && !arguments.csv) say(title(found->query, found->scope));
      reports::Table more = to_table(*found);
      table.columns = std::move(more.columns);
      for (auto& row : more.rows) table.rows.push_back(std::move(row));
    }
    page.cursor = found->page.next_cursor;
    if (!page.cursor) break;
  }
  if (!arguments.json) write(table, arguments);
  return kDone;
}

int reconcile(pg::Database& db, OrgId organization, const ReportArguments& arguments) {
  auto fields = arguments.fields();
  const auto query = reports::read_query(fields, SystemClock().now(), reports::Grouped::no);
  const auto payout = fields.text({"payout"});
  if (const auto error = fields.done()) return refuse(*error, arguments);
  if (payout) return show(reports::reconcile_one(db, organization, query, *payout), arguments);
  return reconcile_all(db, organization, query, arguments);
}

using ReportStep = int (*)(pg::Database&, OrgId, const ReportArguments&);

void bind(CLI::App& command, Action& action, const std::shared_ptr<ReportArguments>& arguments,
          ReportStep step) {
  command.add_option("--from", arguments->startDate,
                     "a date, ISO 8601 or unix seconds (default: 30 days back)");
  command.add_option("--to", arguments->endDate,
                     "a date is included whole; an instant is where it ends (default: now)");
  command.add_option("--currency", arguments->currency, "ISO 4217 (default: the account's own)");
  command.add_option("--timezone", arguments->timezone,
                     "whose days are meant: Europe/Berlin (default: UTC)");
  command.add_option("--account", arguments->account,
                     "acct_… (default: all of the organization's)");
  command.add_option("--organization", arguments->organization,
                     "name or id (default: the platform's own)");
  auto* csv = command.add_flag("--csv", arguments->csv, "answer as CSV");
  command.add_flag("--json", arguments->json, "answer as JSON")->excludes(csv);
  command.callback([&action, arguments, step] {
    action = [arguments, step] {
      return with_database(arguments->json, [&](pg::Database& db, const app::Config&) {
        const auto organization = organization_of(db, arguments->organization);
        if (!organization) return fail(organization.error(), arguments->json);
        return step(db, organization->id, *arguments);
      });
    };
  });
}

}  // namespace

void add_report(CLI::App& program, Action& action) {
  auto* report = program.add_subcommand(
      "report", "Revenue, fees, customers, payouts and balances, to the cent");
  report->require_subcommand(1);
  const auto arguments = std::make_shared<ReportArguments>();
  auto* revenues = report->add_subcommand("revenue", "Gross and net by day, week or month");
  revenues->add_option("--group-by", arguments->groupBy, "day, week or month (default: day)");
  bind(*revenues, action, arguments, revenue);
  bind(*report->add_subcommand("fees", "What was paid, by kind"), action, arguments, fees);
  auto* people =
      report->add_subcommand("customers", "Who paid, who is new, who left, and recurring revenue");
  people->add_option("--limit", arguments->limit, "how many top customers (default: 10)");
  bind(*people, action, arguments, customers);
  auto* payouts = report->add_subcommand("payout-reconciliation", "What each payout paid out");
  payouts->add_option("--payout", arguments->payout, "only this one: po_… or our id");
  bind(*payouts, action, arguments, reconcile);
  bind(*report->add_subcommand("balance", "From its beginning to its end"), action, arguments,
       balance);
}

}  // namespace payoutd::cli
