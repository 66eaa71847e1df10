// What can go wrong with the database, told apart by what one may do next.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace payoutd::pg {

// The database can't do it now; nothing was committed. It says nothing of what was asked: the same
// call may work later, and no row, event or page may be given up for it.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The connection is gone or can't be made.
struct Lost : Unavailable {
  using Unavailable::Unavailable;
};

// No connection is to be had: the server has none to spare, or ours are all in use.
struct Crowded : Lost {
  using Lost::Lost;
};

// The connection stands, and the server refuses whatever the rows are: a lock or statement timeout,
// no disk or memory left, too many connections, read-only, a privilege taken away.
struct Busy : Unavailable {
  Busy(const std::string& what, std::string state)
      : Unavailable(what), sqlstate(std::move(state)) {}
  std::string sqlstate;
  bool read_only() const { return sqlstate == "25006"; }
  // Nothing is written until somebody does something about it: read-only, the disk full, a
  // privilege taken away.
  bool lasts() const { return read_only() || sqlstate == "53100" || sqlstate == "42501"; }
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

// A statement that PostgreSQL refused for what it said or holds. `sqlstate` is its five-character
// code. The message names the statement and PostgreSQL's first line; it leaves out DETAIL, where
// values of the row stand.
struct SqlError : std::runtime_error {
  SqlError(const std::string& what, std::string state, std::string name = {})
      : std::runtime_error(what), sqlstate(std::move(state)), constraint(std::move(name)) {}
  std::string sqlstate;
  std::string constraint;  // its name, for a violated constraint
  bool unique_violation() const { return sqlstate == "23505"; }
  bool foreign_key_violation() const { return sqlstate == "23503"; }
  // Text that PostgreSQL can't keep: a NUL byte, bytes that are not UTF-8, \u0000 in jsonb.
  bool unstorable_text() const { return sqlstate == "22021" || sqlstate == "22P05"; }
};

}  // namespace payoutd::pg
