// A table of notes, for tests of the database layer itself.
#pragma once

#include <optional>
#include <string>

#include "pg/database.h"
#include "support/database.h"

namespace payoutd::pg {

extern const Query kInsertNote;   // $1 id, $2 body
extern const Query kFindNote;     // $1 id
extern const Query kAppendNote;   // $1 id, $2 text
extern const Query kUnnestNotes;  // $1 ids, $2 bodies

struct Notes : support::DatabaseTest {
  Notes();
  void run(const std::string& sql);
  static Result<void> insert(Database& into, std::int64_t id, const std::string& body);
  static void append(Database& into, std::int64_t id, const std::string& text);
  std::optional<std::string> body_of(std::int64_t id) { return body_of(id, db()); }
  static std::optional<std::string> body_of(std::int64_t id, Database& in);
};

}  // namespace payoutd::pg
