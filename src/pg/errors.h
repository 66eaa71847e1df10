// What can go wrong with the database, told apart by what one may do next.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace payoutd::pg {

// The connection is gone or can't be made; nothing was committed. The same call may work later.
struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The connection went away while COMMIT was on its way: look before repeating.
struct InDoubt : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Serialization failure or deadlock. Database::transact repeats the transaction by itself; what
// escapes has used up its tries.
struct Conflict : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A statement that PostgreSQL refused. `sqlstate` is its five-character code. The message names the
// statement and PostgreSQL's first line; it leaves out DETAIL, where values of the row stand.
struct SqlError : std::runtime_error {
  SqlError(const std::string& what, std::string state, std::string name = {})
      : std::runtime_error(what), sqlstate(std::move(state)), constraint(std::move(name)) {}
  std::string sqlstate;
  std::string constraint;  // its name, for a violated constraint
  bool unique_violation() const { return sqlstate == "23505"; }
  bool foreign_key_violation() const { return sqlstate == "23503"; }
  bool check_violation() const { return sqlstate == "23514"; }
  bool timed_out() const { return sqlstate == "57014" || sqlstate == "55P03"; }
  // Text that PostgreSQL can't keep: a NUL byte, bytes that are not UTF-8, \u0000 in jsonb.
  bool unstorable_text() const { return sqlstate == "22021" || sqlstate == "22P05"; }
};

}  // namespace payoutd::pg
