// PostgreSQL's plan of a statement of the program, and the scans in it.
#pragma once

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "pg/query.h"

namespace payoutd::support {

// One reading of a table, or of a partition of it, in a plan.
struct Scan {
  std::string node;   // Seq Scan, Index Scan, Bitmap Index Scan, …
  std::string table;  // of a partition: its parent
  std::string alias;  // of a partition: its parent's
  std::string index;
  std::string index_condition;
  std::string filter;
  bool limited = false;  // a LIMIT above it ends it early, with no sort or sum between
  double rows_read = 0;  // those that a filter removed too, over all loops; 0 when not run
};

struct Plan {
  std::vector<Scan> scans;
  std::vector<std::string> conditions;  // of every node
  std::vector<std::string> arbiters;    // unique indexes of ON CONFLICT
};

// "i" of "i_1", the alias of a partition of i.
std::string without_number(const std::string& alias);

// A value of that type, as SQL: of the large organization of structure/filled.h, where it may be
// one.
std::string plausible(std::string_view type);

class Explainer {
 public:
  explicit Explainer(const Secret& url);

  // PostgreSQL's refusal, or nothing.
  std::optional<std::string> prepare(const pg::Query& query);
  // Of a prepared statement, as PostgreSQL writes them.
  std::vector<std::string> parameter_types(const pg::Query& query);

  struct Asked {
    std::vector<std::string> arguments;  // SQL, one a parameter
    bool generic = false;                // else planned for the arguments
    bool run = false;                    // in a transaction that is rolled back
    std::string settings{};              // SET LOCAL …;
  };
  // Throws std::runtime_error with PostgreSQL's words.
  Plan explain(const pg::Query& query, const Asked& asked);

  // Runs SQL; the first column. Throws std::runtime_error.
  std::vector<std::string> column(const std::string& sql);

 private:
  void collect(const Json& node, bool limited, Plan& plan) const;

  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
  std::map<std::string, std::string> parents_;  // of partitions
  std::map<std::string, std::string> tables_;   // of indexes
};

}  // namespace payoutd::support
