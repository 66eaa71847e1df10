// How fast objects go into the mirror, beside COPY of the same rows into a table with the same
// indexes, and how fast payout events are applied. One run, under a minute, on a server of its own.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "access/organizations.h"
#include "base/json.h"
#include "mirror/apply.h"
#include "payouts/apply.h"
#include "pg/database.h"
#include "pg/embedded.h"
#include "pg/migrate.h"

namespace payoutd {
namespace {

using Monotonic = std::chrono::steady_clock;
constexpr std::size_t kBatch = 1000;
constexpr std::size_t kRows = 100'000;
constexpr std::int64_t kStart = 1'767'225'600;
constexpr std::string_view kAccount = "acct_1MirrorBench0001";

double seconds(const std::function<void()>& work) {
  const auto begun = Monotonic::now();
  work();
  return std::chrono::duration<double>(Monotonic::now() - begun).count();
}

void run_sql(pg::Database& db, const std::string& sql) {
  auto done = db.transact(
      [&](pg::Tx& tx) -> Result<std::size_t> { return tx.exec_unnamed(sql).affected(); });
  CHECK(done.ok());
}

std::string id_of(const char* prefix, std::size_t i) {
  return fmt::format("{}_3Q{:022}", prefix, (i * 2'654'435'761) % 1'000'000'007);
}

std::string transaction(std::size_t i) {
  const auto amount = static_cast<std::int64_t>(1000 + i % 9000);
  const auto fee = amount * 29 / 1000 + 30;
  return fmt::format(
      R"({{"id":"{}","object":"balance_transaction","amount":{},"available_on":{},"balance_type":)"
      R"("payments","created":{},"currency":"usd","description":"Order {}","exchange_rate":null,"fee":{},)"
      R"("fee_details":[{{"amount":{},"application":null,"currency":"usd","description":"Stripe processing)"
      R"( fees","type":"stripe_fee"}}],"net":{},"reporting_category":"charge","source":"{}","status":)"
      R"("available","type":"charge"}})",
      id_of("txn", i), amount, kStart + static_cast<std::int64_t>(i) + 172'800,
      kStart + static_cast<std::int64_t>(i), i, fee, fee, amount - fee, id_of("ch", i));
}

std::string payout(std::size_t i, const char* status) {
  return fmt::format(
      R"({{"id":"{}","object":"payout","amount":{},"application_fee":null,"arrival_date":{},"automatic":)"
      R"(true,"balance_transaction":"{}","created":{},"currency":"usd","description":"STRIPE PAYOUT",)"
      R"("destination":"ba_1QBank0001","failure_balance_transaction":null,"failure_code":null,)"
      R"("failure_message":null,"livemode":false,"metadata":{{}},"method":"standard","original_payout":null,)"
      R"("reconciliation_status":"in_progress","reversed_by":null,"source_type":"card",)"
      R"("statement_descriptor":null,"status":"{}","trace_id":{{"status":"pending","value":null}},)"
      R"("type":"bank_account"}})",
      id_of("po", i), 1000 + i, kStart + 172'800, id_of("txn", i),
      kStart + static_cast<std::int64_t>(i), status);
}

struct Bench {
  pg::Database& db;
  OrgId org;
  mirror::Appliers appliers;

  std::vector<mirror::Version> versions(const std::vector<std::string>& texts, std::int64_t at) {
    std::vector<mirror::Version> all;
    all.reserve(texts.size());
    for (const std::string& text : texts) {
      all.push_back(
          {.organization = org, .account = kAccount, .object = text, .shown_at = from_unix(at)});
    }
    return all;
  }

  double apply(const std::vector<mirror::Version>& versions) {
    return seconds([&] {
      for (std::size_t from = 0; from < versions.size(); from += kBatch) {
        const std::size_t n = std::min(kBatch, versions.size() - from);
        auto done = db.transact([&](pg::Tx& tx) -> Result<mirror::Applied> {
          return mirror::apply(tx, appliers, {versions.data() + from, n});
        });
        CHECK(done.ok());
      }
    });
  }

  // The same rows, already read: what PostgreSQL asks at least.
  double copy(const std::vector<std::string>& texts) {
    const std::vector<std::string> names = {"organization_id",
                                            "account",
                                            "stripe_id",
                                            "amount",
                                            "currency",
                                            "net",
                                            "fee",
                                            "fee_details",
                                            "type",
                                            "reporting_category",
                                            "source_id",
                                            "description",
                                            "available_on",
                                            "created",
                                            "status",
                                            "balance_type",
                                            "shown_at",
                                            "digest"};
    std::vector<std::array<std::string, 18>> rows;
    for (const std::string& text : texts) {
      const Json j = Json::parse(text);
      const auto time = [&](const char* name) {
        return to_iso(from_unix(j[name].get<std::int64_t>()));
      };
      rows.push_back({org.str(), std::string(kAccount), j["id"], j["amount"].dump(), j["currency"],
                      j["net"].dump(), j["fee"].dump(), j["fee_details"].dump(), j["type"],
                      j["reporting_category"], j["source"], j["description"], time("available_on"),
                      time("created"), j["status"], j["balance_type"], to_iso(from_unix(kStart)),
                      "1"});
    }
    return seconds([&] {
      for (std::size_t from = 0; from < rows.size(); from += kBatch) {
        auto done = db.transact([&](pg::Tx& tx) -> Result<void> {
          pqxx::stream_to stream(tx.raw(), "copied", names);
          for (std::size_t i = from; i < std::min(from + kBatch, rows.size()); ++i) {
            stream << std::apply([](const auto&... field) { return std::tie(field...); }, rows[i]);
          }
          stream.complete();
          return {};
        });
        CHECK(done.ok());
      }
    });
  }
};

void line(const char* what, std::size_t rows, double took, double beside = 0) {
  std::printf("%-62s %9.0f rows/s", what, static_cast<double>(rows) / took);
  if (beside > 0) std::printf("   %4.2f of COPY", beside / took);
  std::printf("\n");
  std::fflush(stdout);
}

void run(pg::Database& db) {
  Bench bench{db, access::ensure_organization(db, "Bench")->id, mirror::Appliers::mirror()};
  payouts::add_applier(bench.appliers);
  run_sql(db, "CREATE TABLE copied (LIKE balance_transactions INCLUDING ALL)");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < kRows; ++i) texts.push_back(transaction(i));
  for (int round = 0; round < 3; ++round) {
    run_sql(db, "TRUNCATE copied, balance_transactions");
    const double copied = bench.copy(texts);
    line("COPY of balance transactions, 1,000 a transaction", kRows, copied);
    const double applied = bench.apply(bench.versions(texts, kStart));
    line("apply of the same from JSON", kRows, applied, copied);
    line("apply of the same again, nothing new", kRows,
         bench.apply(bench.versions(texts, kStart + 9)));
  }
  std::vector<std::string> lives;
  for (std::size_t i = 0; i < 10'000; ++i) {
    for (const char* word : {"pending", "in_transit", "paid"}) lives.push_back(payout(i, word));
  }
  auto events = bench.versions(lives, kStart);
  for (std::size_t i = 0; i < events.size(); ++i) {
    constexpr std::string_view kTypes[] = {"payout.created", "payout.updated", "payout.paid"};
    events[i].source = mirror::Source::event;
    events[i].event_type = kTypes[i % 3];
    events[i].event_id = "evt_1QBench";
    events[i].shown_at = from_unix(kStart + static_cast<std::int64_t>(i % 3));
  }
  line("payout events, whole lives in a batch", events.size(), bench.apply(events));
  std::vector<mirror::Version> apart;
  for (std::size_t step = 0; step < 3; ++step) {
    for (std::size_t i = step; i < events.size(); i += 3) apart.push_back(events[i]);
  }
  for (mirror::Version& version : apart) version.account = "acct_1MirrorBench0002";
  line("payout events, one of each payout a batch", apart.size(), bench.apply(apart));
}

}  // namespace
}  // namespace payoutd

int main() {
  using namespace payoutd;
  std::string folder = "/tmp/payoutd-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  ::chmod(folder.c_str(), 0711);
  {
    auto server = pg::Embedded::start({.data_dir = folder});
    if (!server) {
      std::fprintf(stderr, "%s\n", server.error().message.c_str());
      return 1;
    }
    const Secret url = server->url();
    if (!pg::migrate({.url = url})) return 1;
    pg::Database db({.url = url});
    run(db);
  }
  std::filesystem::remove_all(folder);
}
