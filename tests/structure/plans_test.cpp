// How PostgreSQL finds the rows of every statement of the program, on tables that are large: by an
// index that leads to them, never by reading an organization's rows until some fit.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <regex>
#include <set>

#include "structure/filled.h"
#include "support/database.h"
#include "support/explain.h"

namespace payoutd {
namespace {

using support::Explainer;
using support::Plan;
using support::Scan;

const std::set<std::string> kLarge{
    "payouts",         "payout_events", "instructions",     "instruction_payouts",
    "charges",         "refunds",       "payment_intents",  "balance_transactions",
    "customers",       "subscriptions", "transfers",        "application_fees",
    "disputes",        "inbox",         "inbox_queue",      "application_fee_refunds",
    "balance_rollups", "jobs",          "idempotency_keys", "schedule_firings",
    "sync_run_streams"};

// Those that have to read much, and why.
const std::map<std::string, std::string> kReadMuch{
    {"sync_customers_not_seen", "once after a reading of Stripe's whole list, which reads as many"},
    {"report_churn", "subscriptions have no order in time that a report could read a part of"},
    {"report_count_customers", "the same"},
    {"report_running_subscriptions", "those that run are what is added up"},
    {"inbox_old_weeks", "once a night; the queue is short then"},
    {"sync_check_all_payouts", "once a week and when asked, all payouts of an account"},
    {"sync_purge_run_streams", "once a night, a bounded number at a time"},
    {"job_backlog", "counts up to a bound"},
    {"event_log_list", "an operator who searches by type or account; see below for the rest"}};

// Seen with queues and accounts of their own sizes by the tests of their folders.
const std::set<std::string> kMeasuredElsewhere{"inbox_queue_head", "inbox_queue_take",
                                               "sync_check_sums", "sync_check_payouts"};

// Their callers force a plan for the values at hand.
const std::set<std::string> kPlannedAfresh{"list_payouts",
                                           "count_payouts",
                                           "list_balance_transactions",
                                           "count_balance_transactions",
                                           "report_rollup_sums",
                                           "report_rollup_fees",
                                           "report_row_sums",
                                           "report_row_fees",
                                           "report_from_transfers",
                                           "report_payout_fees",
                                           "report_count_customers",
                                           "report_new_customers",
                                           "report_churn",
                                           "report_running_subscriptions",
                                           "event_log_list",
                                           "report_currencies"};

// Their callers forbid what would be planned for an empty queue.
const std::set<std::string> kByIndexesOnly{"claim_jobs",   "finish_jobs",   "give_back_jobs",
                                           "bury_jobs",    "extend_leases", "take_over_jobs",
                                           "promote_jobs", "inbox_backlog", "inbox_delayed_take"};
constexpr const char* kIndexesOnly =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
    "SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = "
    "off;";

constexpr double kMostRows = 3'000;  // that a statement may read for a page of fifty

// The words of a condition that are columns other than the two that most rows share.
bool narrows(const std::string& condition, const std::set<std::string>& columns) {
  static const std::regex kWord("[a-z_]+");
  for (std::sregex_iterator at(condition.begin(), condition.end(), kWord), end; at != end; ++at) {
    const std::string word = at->str();
    if (word != "organization_id" && word != "account" && columns.contains(word)) return true;
  }
  return false;
}

bool only_reads(std::string_view sql) {
  static const std::regex kWrites("\\b(INSERT|UPDATE|DELETE|SELECT inbox_ensure_week)\\b");
  return !std::regex_search(sql.begin(), sql.end(), kWrites);
}

struct Plans : testing::Test {
  static void SetUpTestSuite() {
    name_ = support::create_database(true);
    fill(support::server().url(name_));
    explainer_ = std::make_unique<Explainer>(support::server().url(name_));
    for (const std::string& row : explainer_->column(
             "SELECT attname || '' FROM pg_attribute WHERE attnum > 0 AND attrelid IN"
             " (SELECT indexrelid FROM pg_index)")) {
      columns_.insert(row);
    }
    for (const std::string& row : explainer_->column(
             "SELECT relname || ' ' || reltuples::bigint FROM pg_class WHERE relkind = 'i'")) {
      index_rows_[row.substr(0, row.find(' '))] = std::stod(row.substr(row.find(' ')));
    }
    for (const pg::Query* query : pg::Query::all()) explainer_->prepare(*query);
  }
  static void TearDownTestSuite() {
    explainer_.reset();
    support::drop_database(name_);
  }

  // A sentence, or nothing. What was run is judged by the rows that it read.
  static std::string fault(const Scan& scan, bool ran) {
    if (!kLarge.contains(scan.table)) return {};
    const auto place = [&](std::string_view what) {
      return fmt::format("{} {} by {} {} {} {}", what, scan.table, scan.node, scan.index,
                         scan.index_condition, scan.filter);
    };
    if (scan.node == "Seq Scan") return place("reads all of");
    if (scan.rows_read > kMostRows) return place(fmt::format("reads {} rows of", scan.rows_read));
    if (ran || scan.index.empty() || narrows(scan.index_condition, columns_)) return {};
    const auto rows = index_rows_.find(scan.index);
    if (rows != index_rows_.end() && rows->second <= kMostRows) return {};
    if (scan.limited && scan.filter.empty()) return {};
    return place("walks");
  }

  static std::vector<std::string> faults(const Plan& plan, bool ran) {
    std::vector<std::string> found;
    for (const Scan& scan : plan.scans) {
      if (auto one = fault(scan, ran); !one.empty()) found.push_back(std::move(one));
    }
    return found;
  }

  static const pg::Query& query(std::string_view name) {
    for (const pg::Query* one : pg::Query::all()) {
      if (one->name == name) return *one;
    }
    throw std::runtime_error("no statement " + std::string(name));
  }

  // Runs a list with those parameters, the others absent; looks away from `short_tables`.
  static void expect_found(std::string_view name, const std::map<std::size_t, std::string>& given,
                           const std::set<std::string>& short_tables = {},
                           const std::string& settings = {}) {
    const pg::Query& list = query(name);
    std::vector<std::string> arguments(explainer_->parameter_types(list).size(), "NULL");
    for (const auto& [place, value] : given) arguments.at(place - 1) = value;
    Plan plan =
        explainer_->explain(list, {.arguments = arguments, .run = true, .settings = settings});
    std::erase_if(plan.scans, [&](const Scan& scan) { return short_tables.contains(scan.table); });
    for (const std::string& one : faults(plan, true)) {
      ADD_FAILURE() << name << " (" << fmt::format("{}", fmt::join(arguments, ", ")) << ") " << one;
    }
  }

  static inline std::string name_;
  static inline std::unique_ptr<Explainer> explainer_;
  static inline std::set<std::string> columns_;
  static inline std::map<std::string, double> index_rows_;
};

TEST_F(Plans, OfEveryStatementLeadToItsRows) {
  for (const pg::Query* one : pg::Query::all()) {
    const std::string name(one->name);
    if (kMeasuredElsewhere.contains(name)) continue;
    std::vector<std::string> arguments;
    for (const std::string& type : explainer_->parameter_types(*one)) {
      arguments.push_back(support::plausible(type));
    }
    std::set<std::string> found;
    for (const bool generic : {false, true}) {
      if (generic && kPlannedAfresh.contains(name)) continue;
      const bool run = !generic && only_reads(one->sql);
      const Plan plan = explainer_->explain(
          *one, {.arguments = arguments,
                 .generic = generic,
                 .run = run,
                 .settings = kByIndexesOnly.contains(name) ? kIndexesOnly : ""});
      for (std::string& fault : faults(plan, run)) found.insert(std::move(fault));
    }
    if (kReadMuch.contains(name)) {
      EXPECT_FALSE(found.empty()) << name << " reads little by now: take it from the list";
      continue;
    }
    for (const std::string& fault : found) ADD_FAILURE() << name << " " << fault;
  }
}

const std::string kOrganization = fmt::format("'{}'", kBig);

TEST_F(Plans, OfPayoutListsServeEachFilter) {
  const std::map<std::size_t, std::string> filters{
      {2, "'failed'"},   {3, "'card'"},     {4, "'low'"},       {5, "'chf'"},
      {6, "'manual'"},   {7, "'acct_few'"}, {8, "'campaigns'"}, {9, "'entity'"},
      {10, "'someone'"}, {11, "'autumn'"},  {12, "now()"},      {13, "'2024-01-02'"}};
  const std::map<std::size_t, std::string> common{{1, kOrganization}, {16, "51"}, {17, "0"}};
  expect_found("list_payouts", common);
  for (const auto& [place, value] : filters) {
    auto given = common;
    given[place] = value;
    expect_found("list_payouts", given);
    given[14] = "timestamptz '2024-03-01Z'";  // a later page
    given[15] = "'00000000-0000-7000-8000-000000000fff'";
    expect_found("list_payouts", given);
  }
  for (const std::string status : {"'canceled'", "'paid'", "'in_transit'"}) {
    auto given = common;
    given[2] = status;
    expect_found("list_payouts", given);
  }
  for (const auto& [place, value] : std::map<std::size_t, std::string>{
           {3, "'bank_account'"}, {5, "'usd'"}, {6, "'stripe_payout'"}, {7, "'acct_idle'"}}) {
    auto given = common;
    given[place] = value;
    expect_found("list_payouts", given);
  }
}

TEST_F(Plans, OfBalanceTransactionListsServeEachFilter) {
  const std::map<std::size_t, std::string> filters{
      {2, "'acct_few'"}, {3, "'adjustment'"}, {4, "'chf'"}, {5, "'other_adjustment'"},
      {6, "'pending'"},  {7, "'po_50'"},      {8, "now()"}, {9, "'2024-01-02'"}};
  const std::map<std::size_t, std::string> common{{1, kOrganization}, {13, "51"}, {14, "0"}};
  expect_found("list_balance_transactions", common);
  for (const auto& [place, value] : filters) {
    auto given = common;
    given[place] = value;
    expect_found("list_balance_transactions", given);
    given[10] = "timestamptz '2024-03-01Z'";
    given[11] = "'txn_1'";
    given[12] = "'acct_big'";
    expect_found("list_balance_transactions", given);
  }
  for (const auto& [place, value] : std::map<std::size_t, std::string>{{2, "'acct_idle'"},
                                                                       {3, "'charge'"},
                                                                       {4, "'usd'"},
                                                                       {5, "'charge'"},
                                                                       {6, "'available'"}}) {
    auto given = common;
    given[place] = value;
    expect_found("list_balance_transactions", given);
  }
}

// By state, or all: from where that state stands. The queue and the failures are short.
TEST_F(Plans, OfTheEventLogReadNoWeekWhole) {
  for (const std::string state : {"NULL", "'pending'", "'failed'", "'applied'", "'unhandled'"}) {
    for (const std::string before : {"NULL", "timestamptz '2026-01-10Z'"}) {
      expect_found("event_log_list", {{3, state}, {4, before}, {5, "50"}}, {"inbox_queue"},
                   "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;");
    }
  }
}

}  // namespace
}  // namespace payoutd
