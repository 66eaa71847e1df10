// What the database layer costs, each figure beside its alternative in one run: the embedded
// server's starts, a database per test, and rows by UNNEST of binary arrays beside row by row and
// COPY.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "pg/database.h"
#include "pg/embedded.h"
#include "pg/migrate.h"

namespace payoutd::pg {
namespace {

constexpr int kRows = 20'000;
constexpr int kBatch = 1'000;

const Query kOne{"bench_insert_one", "INSERT INTO bench (id, at, body) VALUES ($1, $2, $3)",
                 Tenancy::global};
const Query kMany{"bench_insert_many", R"sql(
  INSERT INTO bench (id, at, body)
  SELECT * FROM UNNEST($1::bigint[], $2::timestamptz[], $3::text[]))sql",
                  Tenancy::global};
const Query kNothing{"bench_nothing", "SELECT 1", Tenancy::global};

double seconds(const std::function<void()>& work) {
  const auto from = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

void show(const char* what, double took) { fmt::print("{:<44}{:>10.1f} ms\n", what, took * 1e3); }

void must(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

void command(Database& db, const std::string& sql) {
  must(db.transact([&](Tx& tx) -> Result<void> {
    tx.exec_unnamed(sql);
    return {};
  }));
}

Embedded started(const std::string& folder, bool durable) {
  auto server = Embedded::start({.data_dir = folder, .durable = durable});
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

void on(const Embedded& server, const std::string& sql) {
  pqxx::connection connection(server.url().reveal());
  pqxx::nontransaction(connection).exec(sql);
}

void copy_database(const Embedded& server, const char* strategy) {
  const auto create = fmt::format("CREATE DATABASE copy TEMPLATE migrated STRATEGY {}", strategy);
  for (const auto& sql : {create, std::string("DROP DATABASE copy WITH (FORCE)")}) {
    show(sql.c_str(), seconds([&] { on(server, sql); }));
  }
}

// `add(tx, first, count)` inserts that many rows; a transaction each batch.
void rows_per_second(Database& db, const char* what, int rows, int batch,
                     const std::function<void(Tx&, int, int)>& add) {
  command(db,
          "DROP TABLE IF EXISTS bench;"
          "CREATE TABLE bench (id bigint PRIMARY KEY, at timestamptz, body text)");
  const double took = seconds([&] {
    for (int first = 0; first < rows; first += batch) {
      must(db.transact([&](Tx& tx) -> Result<void> {
        add(tx, first, batch);
        return {};
      }));
    }
  });
  fmt::print("{:<44}{:>10.0f} rows/s\n", what, rows / took);
}

void one_by_one(Tx& tx, int first, int count) {
  for (int i = first; i < first + count; ++i) tx.exec(kOne, i, from_unix(i), "a line of some text");
}

void by_unnest(Tx& tx, int first, int count) {
  Array<std::int64_t> ids;
  Array<Time> times;
  Array<std::string> bodies;
  for (int i = first; i < first + count; ++i) {
    ids.add(i);
    times.add(from_unix(i));
    bodies.add("a line of some text");
  }
  tx.exec(kMany, ids, times, bodies);
}

void by_copy(Tx& tx, int first, int count) {
  pqxx::stream_to stream(tx.raw(), "bench", std::vector<std::string>{"id", "at", "body"});
  for (int i = first; i < first + count; ++i) {
    stream << std::make_tuple(i, to_iso(from_unix(i)), "a line of some text");
  }
  stream.complete();
}

void run(const std::string& folder) {
  std::optional<Embedded> server;
  show("first start: initdb and start",
       seconds([&] { server = started(folder + "/durable", true); }));
  show("stop", seconds([&] { server->stop(); }));
  show("later start", seconds([&] { must(server->restart()); }));
  server->kill();
  show("start after kill -9", seconds([&] { must(server->restart()); }));
  on(*server, "CREATE DATABASE migrated");
  show("all migrations", seconds([&] {
         if (auto done = migrate({.url = server->url("migrated")}); !done) must(done.error());
       }));
  for (const char* strategy : {"wal_log", "file_copy"}) copy_database(*server, strategy);
  {
    std::optional<Embedded> loose;
    show("first start without fsync", seconds([&] { loose = started(folder + "/loose", false); }));
    on(*loose, "CREATE DATABASE migrated");
    must(migrate({.url = loose->url("migrated")}).ok() ? Result<void>{} : Error{});
    for (int i = 0; i < 3; ++i) {
      for (const char* strategy : {"wal_log", "file_copy"}) copy_database(*loose, strategy);
    }
  }
  Database db({.url = server->url()});
  const double took = seconds([&] {
    for (int i = 0; i < 5'000; ++i) {
      must(db.read([](Tx& tx) -> Result<void> {
        tx.exec(kNothing);
        return {};
      }));
    }
  });
  fmt::print("{:<44}{:>10.1f} us\n", "a transaction of one SELECT", took / 5'000 * 1e6);
  rows_per_second(db, "a transaction a row", kRows / 10, 1, one_by_one);
  rows_per_second(db, "row by row, 1,000 a transaction", kRows, kBatch, one_by_one);
  rows_per_second(db, "UNNEST of binary arrays, 1,000 a statement", kRows * 10, kBatch, by_unnest);
  rows_per_second(db, "COPY by stream_to, 1,000 a statement", kRows * 10, kBatch, by_copy);
}

}  // namespace
}  // namespace payoutd::pg

int main() {
  std::string folder = "/tmp/payoutd-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  std::filesystem::permissions(folder, std::filesystem::perms(0711));
  try {
    payoutd::pg::run(folder);
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
  }
  std::filesystem::remove_all(folder);
}
