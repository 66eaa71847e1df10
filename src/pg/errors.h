// What can go wrong with the database, told apart by what one may do next.
#pragma once

#include <stdexcept>
#include <string>

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

// A statement that PostgreSQL refused. `sqlstate` is its five-character code.
struct SqlError : std::runtime_error {
  SqlError(const std::string& what, std::string state, std::string name = {})
      : std::runtime_error(what), sqlstate(std::move(state)), constraint(std::move(name)) {}
  std::string sqlstate;
  std::string constraint;  // its name, for a violated constraint
  bool unique_violation() const { return sqlstate == "23505"; }
  bool foreign_key_violation() const { return sqlstate == "23503"; }
  bool check_violation() const { return sqlstate == "23514"; }
};

}  // namespace payoutd::pg
