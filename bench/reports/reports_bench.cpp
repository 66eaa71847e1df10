// How fast the reports are over 31 days of one account with 10 thousand, 1 million and, when asked
// to (bench_reports full), 10 million balance transactions in a year; what customers cost beside
// how many paid; and what the rollups cost where rows are applied, beside the same batches without
// them.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "mirror/apply.h"
#include "pg/embedded.h"
#include "pg/migrate.h"
#include "reports/balance.h"
#include "reports/customers.h"
#include "reports/fees.h"
#include "reports/revenue.h"

namespace payoutd::reports {
namespace {

using Monotonic = std::chrono::steady_clock;

constexpr const char* kAccount = "acct_1BenchDemo00001";
constexpr std::int64_t kYearBegin = 1'735'689'600;  // 2025-01-01

double ms_of(const std::function<void()>& what) {
  const auto begun = Monotonic::now();
  what();
  return std::chrono::duration<double, std::milli>(Monotonic::now() - begun).count();
}

double median(std::vector<double> all) {
  std::ranges::nth_element(all, all.begin() + std::ssize(all) / 2);
  return all[all.size() / 2];
}

void run_sql(pg::Database& db, const std::string& sql) {
  const auto done = db.transact([&](pg::Tx& tx) -> Result<void> {
    tx.exec_unnamed("SET LOCAL statement_timeout = 0");
    tx.exec_unnamed(sql);
    return {};
  });
  CHECK(done.ok());
}

std::int64_t number(pg::Database& db, const std::string& sql) {
  const auto found = db.read([&](pg::Tx& tx) -> Result<std::int64_t> {
    tx.exec_unnamed("SET LOCAL statement_timeout = 0");
    return tx.exec_unnamed(sql).one().get<std::int64_t>(0);
  });
  CHECK(found.ok());
  return *found;
}

// A year of one account, in the order of time: mostly charges, each with its fee; refunds,
// disputes, fees, payouts. The triggers are paused, as they are measured apart, and the rollups
// made at the end.
void fill(pg::Database& db, OrgId organization, std::int64_t rows) {
  run_sql(db, "TRUNCATE balance_transactions, charges, customers, subscriptions");
  run_sql(db, "ALTER TABLE balance_transactions DISABLE TRIGGER USER");
  constexpr std::int64_t kStep = 500'000;
  for (std::int64_t first = 0; first < rows; first += kStep) {
    const std::int64_t last = std::min(rows, first + kStep) - 1;
    run_sql(db, fmt::format(R"sql(
  INSERT INTO balance_transactions (organization_id, account, stripe_id, shown_at, digest, amount,
         net, fee,
         currency, type, reporting_category, status, balance_type, source_id, description,
                available_on,
         created, fee_details)
  SELECT '{0}', '{1}', 'txn_' || lpad(i::text, 16, '0'), to_timestamp({2}), i, amount, amount - fee,
         fee, 'usd',
         kind.type, kind.category, 'available', 'payments', 'ch_' || lpad(i::text, 16, '0'), NULL,
         at.time + interval '2 days', at.time,
         CASE WHEN fee = 0 THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
           'type', 'stripe_fee', 'amount', fee, 'currency', 'usd', 'application', NULL,
           'description', 'Stripe processing fees')) END
    FROM generate_series({3}::bigint, {4}) AS i
   CROSS JOIN LATERAL (SELECT to_timestamp({2} + i * 31536000 / {5})::timestamptz AS time) AS at
   CROSS JOIN LATERAL (
         SELECT CASE WHEN i % 1000 = 999 THEN 9 WHEN i % 200 = 199 THEN 8 WHEN i % 100 = 98 THEN 7
                     WHEN i % 20 = 17 THEN 6 WHEN i % 10 = 3 THEN 5 ELSE 0 END AS dice) AS d
   CROSS JOIN LATERAL (SELECT (CASE dice WHEN 9 THEN 'payout' WHEN 8 THEN 'adjustment'
                                         WHEN 7 THEN 'stripe_fee' WHEN 6 THEN 'refund'
                                         WHEN 5 THEN 'payment' ELSE 'charge' END) AS type,
                              (CASE dice WHEN 9 THEN 'payout' WHEN 8 THEN 'dispute' WHEN 7 THEN 'fee'
                                         WHEN 6 THEN 'refund' ELSE 'charge' END) AS category) AS kind
   CROSS JOIN LATERAL (SELECT (CASE WHEN dice IN (0,
          5) THEN 1000 + i % 9000 WHEN dice = 9 THEN -500000
                                    ELSE -(500 + i % 900) END)::bigint AS amount,
                              (CASE WHEN dice IN (0, 5) THEN 30 + (1000 + i % 9000) * 29 / 1000
                                    WHEN dice = 8 THEN 1500 ELSE 0 END)::bigint AS fee) AS sums)sql",
                            organization.str(), kAccount, kYearBegin, first, last, rows));
  }
  run_sql(db, "ALTER TABLE balance_transactions ENABLE TRIGGER USER");
  run_sql(db, "SELECT rebuild_balance_rollups()");
}

// The charges behind the rows of one month, and their customers: a tenth as many.
void fill_customers(pg::Database& db, OrgId organization, Time from, Time until) {
  run_sql(db, fmt::format(R"sql(
  INSERT INTO charges (organization_id, account, stripe_id, amount, amount_captured, amount_refunded,
         currency, status,
         paid, captured, refunded, disputed, balance_transaction_id, customer_id, created, stage,
                shown_at, rank, digest)
  SELECT organization_id, account, source_id, amount, amount, 0, currency, 'succeeded', true, true,
         false, false, stripe_id,
         'cus_' || digest / 10, created, 0, created, 0, 0
    FROM balance_transactions
   WHERE organization_id = '{}' AND reporting_category = 'charge' AND created >= '{}'
    AND created < '{}')sql",
                          organization.str(), to_iso(from), to_iso(until)));
  run_sql(db, fmt::format(R"sql(
  INSERT INTO customers (organization_id, account, stripe_id, name, deleted, created, stage,
         shown_at, rank, digest)
  SELECT DISTINCT ON (customer_id) organization_id, account, customer_id, customer_id, false,
         created, 0, created, 0, 0
    FROM charges WHERE organization_id = '{}')sql",
                          organization.str()));
}

ReportQuery month(const char* zone_name, std::int64_t begin) {
  ReportQuery query;
  query.account = kAccount;
  query.currency = Currency::parse("usd");
  query.timezone = zone_name;
  query.zone = *jobs::find_time_zone(zone_name);
  query.range.begin = begin_of_day(*query.zone, day_of(*query.zone, from_unix(begin)));
  query.range.end =
      begin_of_day(*query.zone, day_of(*query.zone, from_unix(begin)) + date::days{31});
  return query;
}

// The middle of 15, after two that fill the caches.
template <class Report>
double time_of(const std::function<Result<Report>()>& report) {
  std::vector<double> all;
  for (int i = 0; i < 17; ++i) {
    const double took = ms_of([&] { CHECK(report().ok()); });
    if (i >= 2) all.push_back(took);
  }
  return median(all);
}

void bench_customers(pg::Database& db, OrgId organization, const ReportQuery& whole) {
  fill_customers(db, organization, whole.range.begin, whole.range.end);
  run_sql(db, "ANALYZE");
  for (const int days : {1, 8, 31}) {
    ReportQuery query = whole;
    query.range.end =
        begin_of_day(*query.zone, day_of(*query.zone, query.range.begin) + date::days{days});
    std::int64_t paying = 0;
    std::vector<double> all;
    for (int i = 0; i < 4; ++i) {
      const double took = ms_of([&] {
        const auto found = customers(db, organization, query, kDefaultTop, query.range.end);
        CHECK(found.ok());
        paying = found->paying;
      });
      if (i > 0) all.push_back(took);
    }
    fmt::print("  customers over {:>2} days   {:>9.1f} ms for {:>7} paying: {:.1f} us each\n", days,
               median(all), paying,
               median(all) * 1'000 / static_cast<double>(std::max<std::int64_t>(paying, 1)));
  }
}

void bench_reports(pg::Database& db, OrgId organization, std::int64_t rows) {
  const double filling = ms_of([&] { fill(db, organization, rows); });
  run_sql(db, "ANALYZE");
  fmt::print("{} transactions of one account in a year, {} rollup rows (made in {:.0f} s)\n", rows,
             number(db, "SELECT count(*) FROM balance_rollups"), filling / 1'000);
  constexpr std::int64_t kMay = kYearBegin + 120 * 86'400;
  const ReportQuery utc = month("UTC", kMay), kathmandu = month("Asia/Kathmandu", kMay);
  ReportQuery cut = utc;
  cut.range.begin += std::chrono::seconds{421};
  cut.range.end -= std::chrono::seconds{77};
  const auto within = [&](const char* table, const char* column) {
    return number(db, fmt::format("SELECT count(*) FROM {0} WHERE {1} >= '{2}' AND {1} < '{3}'",
                                  table, column, to_iso(utc.range.begin), to_iso(utc.range.end)));
  };
  fmt::print("  31 days in them: {} rollup rows, {} transactions\n",
             within("balance_rollups", "bucket"), within("balance_transactions", "created"));
  struct Span {
    const char* name;
    const ReportQuery& query;
  };
  for (const Span& span : {Span{"whole days, UTC", utc}, Span{"whole days, Kathmandu", kathmandu},
                           Span{"cut quarters", cut}}) {
    const double revenues = time_of<Revenue>([&] { return revenue(db, organization, span.query); });
    const double paid = time_of<Fees>([&] { return fees(db, organization, span.query); });
    const double balances =
        time_of<BalanceReport>([&] { return balance(db, organization, span.query); });
    fmt::print("  {:<22} revenue {:>6.1f} ms   fees {:>6.1f} ms   balance {:>6.1f} ms\n", span.name,
               revenues, paid, balances);
  }
  bench_customers(db, organization, utc);
  std::fflush(stdout);
}

// A list page as Stripe shows it: `rows` new transactions over `spread` seconds.
std::vector<std::string> page(std::int64_t first, std::int64_t rows, std::int64_t spread) {
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t amount = 1'000 + i % 9'000, fee = 30 + amount * 29 / 1'000, kind = i % 20;
    const char* type = kind == 17 ? "refund" : kind == 3 ? "payment" : "charge";
    const std::int64_t paid = kind == 17 ? 0 : fee;
    Json details = Json::array();
    if (paid > 0) {
      details.push_back({{"amount", fee},
                         {"application", nullptr},
                         {"currency", "usd"},
                         {"description", "Stripe processing fees"},
                         {"type", "stripe_fee"}});
    }
    texts.push_back(Json{
        {"id", fmt::format("txn_{:016}", first + i)},
        {"object", "balance_transaction"},
        {"amount", amount},
        {"available_on", kYearBegin + 86'400},
        {"balance_type", "payments"},
        {"created", kYearBegin + i * spread / rows},
        {"currency", "usd"},
        {"description", nullptr},
        {"exchange_rate", nullptr},
        {"fee", paid},
        {"fee_details", details},
        {"net", amount - paid},
        {"reporting_category", kind == 17 ? "refund" : "charge"},
        {"source", fmt::format("ch_{:016}", first + i)},
        {"status", "pending"},
        {"type", type}}.dump());
  }
  return texts;
}

// What this process and the backend that serves it have worked so far. The backend's time comes in
// hundredths of a second: for sums over many batches.
double cpu_ms(std::int64_t backend) {
  rusage used{};
  CHECK(::getrusage(RUSAGE_SELF, &used) == 0);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  std::ifstream stat(fmt::format("/proc/{}/stat", backend));
  std::string line;
  std::getline(stat, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  CHECK(!fields.fail());
  return ms(used.ru_utime) + ms(used.ru_stime) +
         (user + system) * 1e3 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Cost {
  std::vector<double> wall_ms;
  double cpu = 0;
  double batches() const { return static_cast<double>(wall_ms.size()); }
};

void apply_page(pg::Database& db, const mirror::Appliers& appliers, OrgId organization,
                const std::vector<std::string>& texts) {
  std::vector<mirror::Version> versions;
  for (const std::string& text : texts) {
    versions.push_back({.organization = organization,
                        .account = kAccount,
                        .object = text,
                        .shown_at = from_unix(kYearBegin)});
  }
  const auto applied = db.transact(
      [&](pg::Tx& tx) -> Result<mirror::Applied> { return mirror::apply(tx, appliers, versions); });
  CHECK(applied.ok() && applied->created == texts.size());
}

// Blocks of batches with and without the triggers take turns. The first eight of a block are not
// counted: when triggers are switched, PostgreSQL plans anew, the triggers' statements five times.
void bench_writes(pg::Database& db, OrgId organization, const char* name, std::int64_t spread) {
  run_sql(db, "TRUNCATE balance_transactions");
  const mirror::Appliers appliers = mirror::Appliers::mirror();
  Cost with, without;
  std::int64_t first = 0;
  for (int block = 0; block < 8; ++block) {
    const bool on = block % 2 == 0;
    run_sql(db, fmt::format("ALTER TABLE balance_transactions {} TRIGGER USER",
                            on ? "ENABLE" : "DISABLE"));
    const std::int64_t backend = number(db, "SELECT pg_backend_pid()");
    Cost& cost = on ? with : without;
    for (int batch = 0; batch < 28; ++batch, first += 1'000) {
      const auto texts = page(first, 1'000, spread);
      const double before = cpu_ms(backend);
      const double took = ms_of([&] { apply_page(db, appliers, organization, texts); });
      if (batch < 8) continue;
      cost.wall_ms.push_back(took);
      cost.cpu += cpu_ms(backend) - before;
    }
  }
  run_sql(db, "ALTER TABLE balance_transactions ENABLE TRIGGER USER");
  fmt::print(
      "1,000 rows applied, {:<30} {:>6.2f} ms with rollups, {:>6.2f} without: {:+.1f} %;"
      "  {:>6.2f} ms of CPU beside {:>6.2f}: {:+.1f} %\n",
      name, median(with.wall_ms), median(without.wall_ms),
      (median(with.wall_ms) / median(without.wall_ms) - 1) * 100, with.cpu / with.batches(),
      without.cpu / without.batches(), (with.cpu / without.cpu - 1) * 100);
  std::fflush(stdout);
}

int run(bool full) {
  std::string folder = "/tmp/payoutd-bench-XXXXXX";
  CHECK(::mkdtemp(folder.data()) != nullptr);
  ::chmod(folder.c_str(), 0711);
  auto server = pg::Embedded::start({.data_dir = folder});
  CHECK(server.ok());
  CHECK(pg::migrate({.url = server->url()}).ok());
  {
    pg::Database db({.url = server->url(), .max_connections = 1, .statement_timeout_ms = 600'000});
    const auto organization = access::ensure_platform_organization(db, "Bench");
    CHECK(organization.ok());
    const auto connected = db.transact([&](pg::Tx& tx) {
      return access::connect_account(tx, organization->id,
                                     {.fields = {.stripe_account = kAccount, .name = "Bench"},
                                      .version = {from_unix(1)},
                                      .joined_at = from_unix(1)});
    });
    CHECK(connected.ok());
    bench_writes(db, organization->id, "of 20 minutes (a busy account):", 1'200);
    bench_writes(db, organization->id, "of 12 hours:", 43'200);
    bench_writes(db, organization->id, "of 10 days (one in a quarter):", 864'000);
    bench_reports(db, organization->id, 10'000);
    bench_reports(db, organization->id, 1'000'000);
    if (full) bench_reports(db, organization->id, 10'000'000);
  }
  server->stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return 0;
}

}  // namespace
}  // namespace payoutd::reports

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  return payoutd::reports::run(argc > 1 && std::strcmp(argv[1], "full") == 0);
}
