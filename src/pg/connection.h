// One connection to PostgreSQL. libpq makes it, so that the wait is bounded to the millisecond, and
// sends BEGIN, COMMIT and the like, so that their fate is known exactly; pqxx runs the statements.
// A connection that was lost is never revived: settings, locks and LISTEN would be gone in silence.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <unordered_set>

#include "base/secret.h"
#include "pg/errors.h"
#include "pg/query.h"

namespace payoutd::pg {

using Deadline = std::chrono::steady_clock::time_point;

struct ResultCleared {
  void operator()(PGresult* result) const { PQclear(result); }
};
using RawResult = std::unique_ptr<PGresult, ResultCleared>;

class Connection {
 public:
  // Milliseconds; 0 is no limit.
  struct Settings {
    Secret url;
    std::string application_name;
    int statement_timeout_ms = 0;
    int lock_timeout_ms = 0;
    int idle_in_transaction_timeout_ms = 0;
  };

  // Speaks UTC, ISO dates and UTF-8. A server that is just starting or stopping is waited for until
  // the deadline. Throws Lost.
  static std::unique_ptr<Connection> open(const Settings& settings, Deadline deadline);
  ~Connection();

  // Runs one command without parameters. Throws Lost, Conflict or SqlError.
  RawResult command(const std::string& sql);

  // Throws Lost when nothing was committed for certain, and InDoubt when that is unknown.
  void commit();

  // Never throws: what can't be rolled back has lost its connection, or loses it with the pool.
  void rollback() noexcept;

  // Prepares once; what fails is prepared again the next time.
  void prepare(const Query& query);

  // The pool ends it instead of keeping it.
  void retire() { retired_ = true; }

  // Looks at what has arrived, without waiting; false once the server has hung up.
  bool open_still();
  bool idle() const { return PQtransactionStatus(raw_) == PQTRANS_IDLE; }
  bool failed_transaction() const { return PQtransactionStatus(raw_) == PQTRANS_INERROR; }

  pqxx::connection_base& pqxx();
  PGconn* raw() { return raw_; }

  // Turns the pqxx exception that is being handled into one of ours and throws it; lets every other
  // pass. `what` names the statement.
  [[noreturn]] void rethrow(std::string_view what);

 private:
  class Session;
  explicit Connection(PGconn* raw);

  PGconn* raw_;
  std::unique_ptr<Session> session_;
  std::unordered_set<const Query*> prepared_;
  bool retired_ = false;  // or a statement's result changed its shape under us

  friend class Pool;
};

// Waits until the socket of `raw` can be read (or written), or the deadline is there. False then.
bool wait_for_socket(PGconn* raw, bool to_write, Deadline deadline);

}  // namespace payoutd::pg
