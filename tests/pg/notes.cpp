#include "pg/notes.h"

namespace payoutd::pg {

const Query kInsertNote{"test_insert_note", "INSERT INTO notes (id, body) VALUES ($1, $2)",
                        Tenancy::global};
const Query kFindNote{"test_find_note", "SELECT body FROM notes WHERE id = $1", Tenancy::global};
const Query kAppendNote{"test_append_note", "UPDATE notes SET body = body || $2 WHERE id = $1",
                        Tenancy::global};
const Query kUnnestNotes{"test_unnest_notes", R"sql(
  INSERT INTO notes (id, body) SELECT * FROM UNNEST($1::bigint[], $2::text[]))sql",
                         Tenancy::global};

Notes::Notes() { run("CREATE TABLE notes (id bigint PRIMARY KEY, body text)"); }

void Notes::run(const std::string& sql) {
  const auto done = db().transact([&](Tx& tx) -> Result<void> {
    tx.exec_unnamed(sql);
    return {};
  });
  CHECK(done.ok());
}

Result<void> Notes::insert(Database& into, std::int64_t id, const std::string& body) {
  return into.transact([&](Tx& tx) -> Result<void> {
    tx.exec(kInsertNote, id, body);
    return {};
  });
}

void Notes::append(Database& into, std::int64_t id, const std::string& text) {
  const auto done = into.transact([&](Tx& tx) -> Result<void> {
    tx.exec(kAppendNote, id, text);
    return {};
  });
  CHECK(done.ok());
}

std::optional<std::string> Notes::body_of(std::int64_t id, Database& in) {
  auto found = in.read([&](Tx& tx) -> Result<std::optional<std::string>> {
    auto row = tx.exec(kFindNote, id).maybe();
    if (!row) return std::optional<std::string>{};
    return row->get<std::optional<std::string>>("body");
  });
  return *found;
}

}  // namespace payoutd::pg
