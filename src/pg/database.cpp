#include "pg/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "base/log.h"
#include "pg/connection.h"
#include "pg/pool.h"

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMaxRepeats = 5;
constexpr std::chrono::seconds kProbed{5};

Connection::Settings settings_for(const Database::Options& options, const Secret& url) {
  return {.url = url,
          .application_name = options.application_name,
          .statement_timeout_ms = options.statement_timeout_ms,
          .lock_timeout_ms = options.lock_timeout_ms,
          .idle_in_transaction_timeout_ms = options.idle_in_transaction_timeout_ms};
}

// Two that met once must not meet again: up to 4, 8, … 64 ms.
void pause_before_repeat(int tries) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const int longest_us = 4000 << std::min(tries, 4);
  std::uniform_int_distribution<int> pause(500, longest_us);
  std::this_thread::sleep_for(std::chrono::microseconds{pause(random)});
}

// A transaction inside another would take a second connection while it holds the first, and a pool
// full of such threads waits for itself.
class OnePerThread {
 public:
  explicit OnePerThread(const Database* database) {
    CHECK(std::find(busy().begin(), busy().end(), database) == busy().end());
    busy().push_back(database);
  }
  ~OnePerThread() { busy().pop_back(); }
  OnePerThread(const OnePerThread&) = delete;
  OnePerThread& operator=(const OnePerThread&) = delete;

 private:
  static std::vector<const Database*>& busy() {
    thread_local std::vector<const Database*> databases;
    return databases;
  }
};

}  // namespace

// A connection of its own, so that a full pool does not look like a dead database. One asks at a
// time.
struct Database::Probe {
  std::mutex mutex;
  std::condition_variable freed;
  bool busy = false;
  std::unique_ptr<Connection> connection;
  steady_clock::time_point opened{};

  bool take(Deadline deadline) {
    std::unique_lock lock(mutex);
    if (!freed.wait_until(lock, deadline, [&] { return !busy; })) return false;
    busy = true;
    return true;
  }
  Health give_back(Health found) {
    if (found != Health::good) connection.reset();
    const std::scoped_lock lock(mutex);
    busy = false;
    freed.notify_one();
    return found;
  }
  Health ask(const Connection::Settings& settings, Deadline deadline);
};

Database::Database(Options options)
    : options_(std::move(options)), probe_(std::make_unique<Probe>()) {
  CHECK(check_url(options_.url).ok());
  primary_ = std::make_unique<Pool>(settings_for(options_, options_.url), options_.max_connections,
                                    options_.wait_ms);
  if (options_.replica_url) {
    CHECK(check_url(*options_.replica_url).ok());
    replica_ = std::make_unique<Pool>(settings_for(options_, *options_.replica_url),
                                      options_.max_connections, options_.wait_ms);
  }
}

Database::~Database() = default;

std::optional<Error> Database::run(Access access, const Body& body) {
  const OnePerThread one(this);
  try {
    run_repeating(access, body);
    return std::nullopt;
  } catch (const SqlError& error) {
    if (!error.unstorable_text()) throw;
    return Error{Kind::invalid, "invalid_text",
                 "text must be UTF-8 and can't contain a NUL byte (\\u0000)"};
  }
}

void Database::run_repeating(Access access, const Body& body) {
  for (int tries = 0;; ++tries) {
    try {
      if (access == Access::read) return run_reading(body);
      return run_once(*primary_, access, body);
    } catch (const Conflict&) {
      if (tries == kMaxRepeats) throw;
    }
    primary_->count_conflict();
    pause_before_repeat(tries);
  }
}

void Database::run_reading(const Body& body) {
  if (replica_ && !replica_->away()) {
    try {
      return run_once(*replica_, Access::read, body);
    } catch (const Lost&) {
      replica_->set_away();
    }
  }
  run_once(*primary_, Access::read, body);
}

void Database::run_once(Pool& pool, Access access, const Body& body) {
  auto lease = pool.begin(access == Access::read ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                                 : "BEGIN");
  pool.count_transaction();
  Connection& connection = *lease;
  try {
    pqxx::nontransaction work(connection.pqxx());
    Tx tx(connection, work);
    if (!body(tx)) return connection.rollback();
    if (connection.failed_transaction()) {
      throw Broken("a transaction went on after a statement of its failed");
    }
    connection.commit();
  } catch (const pqxx::pqxx_exception&) {
    connection.rollback();
    connection.rethrow("transaction");
  } catch (const InDoubt&) {
    throw;
  } catch (const Busy& busy) {
    connection.rollback();
    // The settings with which this session began may be the reason: a new one asks anew.
    if (busy.read_only()) connection.retire();
    // Where only reading was asked for, the database is not to blame.
    if (access == Access::read && busy.read_only()) throw Broken(busy.what());
    throw;
  } catch (...) {
    connection.rollback();
    throw;
  }
}

Database::Health Database::health(int timeout_ms) {
  const Deadline deadline = steady_clock::now() + milliseconds{timeout_ms};
  if (!probe_->take(deadline)) return Health::away;
  try {
    return probe_->give_back(probe_->ask(primary_->settings(), deadline));
  } catch (const std::runtime_error&) {
    return probe_->give_back(Health::away);  // lost, or refused
  }
}

// A session keeps what the database's settings were when it began: it is not asked for long.
Database::Health Database::Probe::ask(const Connection::Settings& settings, Deadline deadline) {
  const auto now = steady_clock::now();
  if (connection && (now - opened > kProbed || !connection->open_still())) connection.reset();
  if (!connection) {
    connection = Connection::open(settings, deadline);
    opened = now;
  }
  PGconn* raw = connection->raw();
  if (PQsendQuery(raw, "SHOW transaction_read_only") != 1) return Health::away;
  Health found = Health::away;
  for (;;) {
    while (PQisBusy(raw) == 1) {
      if (!wait_for_socket(raw, false, deadline) || PQconsumeInput(raw) != 1) return Health::away;
    }
    const RawResult result(PQgetResult(raw));
    if (!result) return found;
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return Health::away;
    const std::string_view says = PQgetvalue(result.get(), 0, 0);
    found = says == "on" ? Health::read_only : Health::good;
  }
}

PoolState Database::state() const {
  PoolState state = primary_->state();
  if (replica_) {
    const PoolState replica = replica_->state();
    state.open += replica.open;
    state.idle += replica.idle;
    state.waiting += replica.waiting;
    state.transactions += replica.transactions;
    state.losses += replica.losses;
  }
  return state;
}

Rows Tx::run(const Query& query, const Statement& statement) {
  if (!order_.allows(query.locks)) {
    if (broken_lock_order_throws)
      throw Broken("the order of locks is broken by " + std::string(query.name));
    log::error("a statement breaks the order of locks", {{"statement", query.name}});
  }
  order_.note(query.locks);
  try {
    connection_.prepare(query);
    return Rows(statement(work_, std::string(query.name)));
  } catch (const pqxx::pqxx_exception&) {
    connection_.rethrow(query.name);
  }
}

Rows Tx::exec_unnamed(const std::string& sql) {
  try {
    return Rows(work_.exec(sql));
  } catch (const pqxx::pqxx_exception&) {
    connection_.rethrow(sql.substr(0, sql.find_first_of(" \n;(")));
  }
}

Tx::Savepoint::Savepoint(Tx& tx) : tx_(tx) { tx_.connection_.command("SAVEPOINT attempt"); }

// Compiling a statement takes longer than running it.
void Tx::plan_afresh() {
  exec_unnamed("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off");
}

void Tx::plan_by_index() {
  plan_afresh();
  exec_unnamed("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off");
}

void Tx::limit_lock_wait(int ms) { exec_unnamed(fmt::format("SET LOCAL lock_timeout = {}", ms)); }

void Tx::limit_statements(int ms) {
  exec_unnamed(fmt::format("SET LOCAL statement_timeout = {}", ms));
}

void Tx::usual_limits() {
  exec_unnamed("SET LOCAL lock_timeout TO DEFAULT; SET LOCAL statement_timeout TO DEFAULT");
}

void Tx::Savepoint::release() const { tx_.connection_.command("RELEASE SAVEPOINT attempt"); }

void Tx::Savepoint::rollback() const {
  tx_.connection_.command("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt");
}

void Tx::Savepoint::abandon() const noexcept {
  try {
    rollback();
  } catch (const std::exception&) {
    // The transaction ends anyway, with the exception that is on its way.
  }
}

Result<void> check_url(const Secret& url) {
  char* why = nullptr;
  PQconninfoOption* read = PQconninfoParse(url.reveal().c_str(), &why);
  const bool readable = read != nullptr && !url.empty();
  PQconninfoFree(read);
  PQfreemem(why);
  if (readable) return {};
  return Error{Kind::invalid, "invalid_database_url",
               "the database URL can't be read: give postgresql://user:password@host:5432/name or "
               "libpq's key=value form"};
}

}  // namespace payoutd::pg
