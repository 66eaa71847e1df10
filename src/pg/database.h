// The database as the rest of the program sees it: one connection a thread from a bounded pool, and
// transactions that commit unless they return an Error or throw.
//
//   auto payout = db.transact([&](pg::Tx& tx) -> Result<Payout> {
//     auto row = tx.exec(kLockPayout, org, id).maybe();
//     if (!row) return Error{Kind::missing, "payout_not_found", "no such payout"};
//     …
//   });
//
// A transaction must not call out (Stripe, a socket): commit the intent, send, commit the answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/secret.h"
#include "pg/errors.h"
#include "pg/lock_order.h"
#include "pg/query.h"
#include "pg/values.h"

namespace payoutd::pg {

class Connection;
class Pool;

class Tx {
 public:
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  // Parameters: bool, whole numbers, strings, string_view, const char*, nullptr, Uuid, Id, Time,
  // Day, Json, Array, Bytes, Currency and std::optional of those. The statement is prepared once a
  // connection. Throws Lost, Conflict or SqlError. After a SqlError the transaction can only be
  // rolled back: a body that goes on and asks to commit is Broken. Where a refusal is expected, use
  // `attempt`, or better ON CONFLICT.
  template <class... Args>
  Rows exec(const Query& query, const Args&... args) {
    return run(query, [&](pqxx::transaction_base& work, const std::string& name) {
      return work.exec_prepared(name, detail::to_param(args)...);
    });
  }

  // For what can't be prepared: SET LOCAL, CREATE, several statements. Never with text from
  // outside.
  Rows exec_unnamed(const std::string& sql);

  // Until this transaction ends, statements are planned for the parameters at hand: absent filters
  // vanish, and the fitting index is found.
  void plan_afresh();
  // The same, and with no other way than by an index, in its order: the planner would sort what a
  // list's page needs only the beginning of.
  void plan_by_index();

  // Until this transaction ends or usual_limits: how long a statement waits for a lock, and how
  // long it takes.
  void limit_lock_wait(int ms);
  void limit_statements(int ms);
  void usual_limits();

  // Runs body(), or body(tx), inside a savepoint, which is rolled back when it throws. A SqlError
  // is returned, all else thrown on.
  template <class F>
  std::optional<SqlError> attempt(F&& body) {
    const Savepoint savepoint(*this);
    try {
      if constexpr (std::is_invocable_v<F, Tx&>) {
        body(*this);
      } else {
        body();
      }
      savepoint.release();
      return std::nullopt;
    } catch (const SqlError& error) {
      savepoint.rollback();
      return error;
    } catch (...) {
      savepoint.abandon();
      throw;
    }
  }

  // For COPY by pqxx::stream_to. pqxx's exceptions become ours when they leave the body.
  pqxx::transaction_base& raw() { return work_; }

 private:
  friend class Database;
  using Statement = std::function<pqxx::result(pqxx::transaction_base&, const std::string&)>;

  class Savepoint {
   public:
    explicit Savepoint(Tx& tx);
    void release() const;
    void rollback() const;
    void abandon() const noexcept;

   private:
    Tx& tx_;
  };

  Tx(Connection& connection, pqxx::transaction_base& work) : connection_(connection), work_(work) {}
  Rows run(const Query& query, const Statement& statement);

  Connection& connection_;
  pqxx::transaction_base& work_;
  LockOrder order_;
};

// What the pool is doing, for /metrics.
struct PoolState {
  int open = 0;  // connections, busy or idle
  int idle = 0;
  int waiting = 0;                // threads
  std::int64_t transactions = 0;  // begun, since the start
  std::int64_t conflicts = 0;     // transactions repeated, since the start
  std::int64_t losses = 0;        // connections lost, since the start
};

class Database {
 public:
  struct Options {
    Secret url;               // postgresql://… or key=value
    int max_connections = 8;  // threads beyond it wait, at most wait_ms, then Crowded
    int wait_ms = 5000;       // for a free connection, and for a new one
    int statement_timeout_ms = 60'000;
    int lock_timeout_ms = 10'000;
    int idle_in_transaction_timeout_ms = 60'000;
    std::string application_name = "payoutd";
    std::optional<Secret> replica_url{};  // serves read(); away, the primary does
  };
  // Connects when first used. A URL that can't be read is Broken: see check_url.
  explicit Database(Options options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs `body(tx)`; commits if it returns a value, rolls back if it returns an Error or throws.
  // Conflicts are repeated with jitter, at most five times, so the body may run more than once.
  // `body` returns Result<T>; so does transact. Throws Lost, InDoubt, and SqlError, but for text
  // that PostgreSQL can't keep (SqlError::unstorable_text), which came from outside: that is the
  // Error invalid `invalid_text`. One transaction a thread at a time: another inside it is Broken.
  template <class F>
  auto transact(F&& body) -> std::invoke_result_t<F, Tx&> {
    return shaped<std::invoke_result_t<F, Tx&>>(body, Access::write);
  }

  // The same for a body that only reads: READ ONLY, all its statements on one snapshot (REPEATABLE
  // READ). Served by the replica where there is one, a moment behind what was just committed, so
  // the answer to one's own write is read inside its transaction.
  template <class F>
  auto read(F&& body) -> std::invoke_result_t<F, Tx&> {
    return shaped<std::invoke_result_t<F, Tx&>>(body, Access::read);
  }

  // Whether the primary answers within `timeout_ms`, on a connection beside the pool, and takes
  // writes (a standby, or default_transaction_read_only, takes none).
  enum class Health { away, read_only, good };
  Health health(int timeout_ms = 1000);
  bool alive(int timeout_ms = 1000) { return health(timeout_ms) != Health::away; }

  PoolState state() const;

 private:
  enum class Access { write, read };
  using Body = std::function<bool(Tx&)>;  // true: commit

  template <class R, class F>
  R shaped(F& body, Access access) {
    static_assert(
        requires(R r) {
          r.ok();
          r.error();
        },
        "a transaction's body returns Result<T>");
    std::optional<R> result;
    auto refused = run(access, [&](Tx& tx) {
      result.reset();
      result.emplace(body(tx));
      return result->ok();
    });
    if (refused) return std::move(*refused);
    return std::move(*result);
  }

  std::optional<Error> run(Access access, const Body& body);
  void run_repeating(Access access, const Body& body);
  void run_once(Pool& pool, Access access, const Body& body);
  void run_reading(const Body& body);

  Options options_;
  std::unique_ptr<Pool> primary_;
  std::unique_ptr<Pool> replica_;
  struct Probe;
  std::unique_ptr<Probe> probe_;
};

// Error: invalid `invalid_database_url`, for what libpq can't read. Never quotes the URL.
Result<void> check_url(const Secret& url);

}  // namespace payoutd::pg
