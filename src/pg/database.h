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
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "pg/errors.h"
#include "pg/query.h"
#include "pg/values.h"

namespace payoutd::pg {

class Tx {
 public:
  // Parameters: bool, ints, strings, string_view, const char*, nullptr, Uuid, Id, Time, Json, Array,
  // Currency and std::optional of those. The statement is prepared once a connection.
  // Throws Lost, Conflict or SqlError.
  template <class... Args>
  Rows exec(const Query& query, const Args&... args);

  // For what can't be prepared: SET, CREATE, COPY. Never with text from outside.
  Rows exec_unnamed(const std::string& sql);

  // Runs inside a savepoint; on SqlError the savepoint is rolled back and the error returned.
  template <class F>
  std::optional<SqlError> attempt(F&& body);

  pqxx::transaction_base& raw();  // for COPY by pqxx::stream_to
};

class Database {
 public:
  struct Options {
    Secret url;                      // postgresql://… or key=value
    int max_connections = 8;         // threads beyond it wait, at most wait_ms, then Lost
    int wait_ms = 5000;
    int statement_timeout_ms = 60'000;
    std::string application_name = "payoutd";
  };
  explicit Database(Options options);
  ~Database();

  // Runs `body(tx)`; commits if it returns a value, rolls back if it returns an Error or throws.
  // Conflicts are repeated with jitter, at most five times, so the body may run more than once.
  // `body` returns Result<T>; so does transact. Throws Lost or InDoubt.
  template <class F>
  auto transact(F&& body) -> std::invoke_result_t<F, Tx&>;

  // The same for a body that only reads (READ ONLY; a replica may serve it later).
  template <class F>
  auto read(F&& body) -> std::invoke_result_t<F, Tx&>;

  // True if a connection can be had and answers within `timeout_ms`.
  bool alive(int timeout_ms = 1000);
};

}  // namespace payoutd::pg
