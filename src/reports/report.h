// A report as the API, the command line and the contract know it: each has one, in its own file,
// and a row in reports.cpp makes it reachable by all three.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/params.h"
#include "http/router.h"
#include "pg/database.h"
#include "reports/report_query.h"
#include "reports/table.h"

namespace payoutd::reports {

// A report that was read; the form that is asked for is made of it.
struct Shown {
  ReportQuery query;
  Scope scope;
  std::function<OrderedJson()> json;
  std::function<Table()> table;
  std::optional<std::string> next_cursor{};  // of one that comes in pages
};

template <class T>
Result<Shown> shown(Result<T> read) {
  if (!read) return read.error();
  const auto report = std::make_shared<const T>(*std::move(read));
  Shown all{report->query, report->scope, [report] { return to_json(*report); },
            [report] { return to_table(*report); }};
  if constexpr (requires { report->page.next_cursor; }) all.next_cursor = report->page.next_cursor;
  return all;
}

// Reads the report of one organization; each reads one snapshot of the mirror, on the replica where
// there is one. Errors of all: 404 `account_not_found`, 400 `currency_needed`.
using Reading = std::function<Result<Shown>(pg::Database&, OrgId, const ReportQuery&)>;

// A parameter of the report's own: its name in a query, and its option on the command line.
struct Parameter {
  const char* name;    // "limit"
  const char* option;  // "--limit"; empty: not on the command line
  const char* about;   // for the command line
};

struct Report {
  const char* name;   // of its path, its command and its CSV file: "payout-reconciliation"
  const char* about;  // for the command line
  Grouped grouped = Grouped::no;
  std::vector<Parameter> parameters{};
  bool pages = false;  // an answer is a page of it: `limit` and `cursor`
  // Takes the report's own parameters from `fields`, where it notes mistakes. `now` is the time of
  // asking.
  Reading (*read)(http::Fields& fields, Time now) = nullptr;
  http::Docs (*docs)() = nullptr;
};

// The reading of a report that takes no parameters of its own.
template <class T, Result<T> (*report)(pg::Database&, OrgId, const ReportQuery&)>
Reading read_plainly(http::Fields&, Time) {
  return [](pg::Database& db, OrgId organization, const ReportQuery& query) {
    return shown(report(db, organization, query));
  };
}

}  // namespace payoutd::reports
