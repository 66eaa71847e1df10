#include "support/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace payoutd::support {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

// What a LIMIT above can't end early.
bool reads_all(const std::string& node) {
  constexpr std::array<std::string_view, 6> kAll{"Sort",        "Hash",  "Bitmap Heap Scan",
                                                 "Materialize", "SetOp", "WindowAgg"};
  return std::ranges::find(kAll, node) != kAll.end();
}

}  // namespace

std::string without_number(const std::string& alias) {
  const auto at = alias.find_last_not_of("0123456789");
  return at != std::string::npos && at + 1 < alias.size() && alias[at] == '_' ? alias.substr(0, at)
                                                                              : alias;
}

std::string plausible(std::string_view type) {
  if (type.ends_with("[]")) {
    return fmt::format("ARRAY[{}]::{}", plausible(type.substr(0, type.size() - 2)), type);
  }
  if (type == "uuid") return "uuid '0000000a-0000-7000-8000-000000000000'";
  if (type == "timestamp with time zone") return "now()";
  if (type == "boolean") return "true";
  if (type == "text") return "'acct_big'";
  if (type == "bytea") return R"('\x00')";
  if (type == "jsonb") return "'{}'";
  if (type == "date") return "current_date";
  return "50";
}

Explainer::Explainer(const Secret& url) : session_(PQconnectdb(url.reveal().c_str()), &PQfinish) {
  if (PQstatus(session_.get()) != CONNECTION_OK) throw std::runtime_error("no database to ask");
  column("SET jit = off");
  for (const std::string& row :
       column("SELECT c.relname || ' ' || p.relname FROM pg_inherits h"
              " JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent")) {
    parents_[row.substr(0, row.find(' '))] = row.substr(row.find(' ') + 1);
  }
  for (const std::string& row :
       column("SELECT c.relname || ' ' || t.relname FROM pg_index i"
              " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid")) {
    tables_[row.substr(0, row.find(' '))] = row.substr(row.find(' ') + 1);
  }
}

std::vector<std::string> Explainer::column(const std::string& sql) {
  const Answer answer(PQexec(session_.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(answer.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(session_.get()));
  }
  std::vector<std::string> values;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    values.emplace_back(PQgetvalue(answer.get(), row, 0));
  }
  return values;
}

std::optional<std::string> Explainer::prepare(const pg::Query& query) {
  const Answer answer(PQprepare(session_.get(), std::string(query.name).c_str(),
                                std::string(query.sql).c_str(), 0, nullptr),
                      &PQclear);
  if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return std::nullopt;
  return PQerrorMessage(session_.get());
}

std::vector<std::string> Explainer::parameter_types(const pg::Query& query) {
  return column(
      fmt::format("SELECT unnest(parameter_types)::text FROM pg_prepared_statements"
                  " WHERE name = '{}'",
                  query.name));
}

Plan Explainer::explain(const pg::Query& query, const Asked& asked) {
  const std::string arguments =
      asked.arguments.empty() ? "" : fmt::format("({})", fmt::join(asked.arguments, ", "));
  column("BEGIN");
  Plan plan;
  try {
    column(fmt::format("{} SET LOCAL plan_cache_mode = force_{}_plan", asked.settings,
                       asked.generic ? "generic" : "custom"));
    const auto lines =
        column(fmt::format("EXPLAIN (FORMAT JSON, VERBOSE{}) EXECUTE {} {}",
                           asked.run ? ", ANALYZE, TIMING off" : "", query.name, arguments));
    const auto json = parse_json(fmt::format("{}", fmt::join(lines, "\n")));
    if (!json) throw std::runtime_error(json.error().message);
    collect(json->at(0).at("Plan"), false, plan);
  } catch (const std::runtime_error&) {
    column("ROLLBACK");
    throw;
  }
  column("ROLLBACK");
  return plan;
}

void Explainer::collect(const Json& node, bool limited, Plan& plan) const {
  const auto text = [&](const char* key) { return node.value(key, std::string{}); };
  const std::string kind = text("Node Type");
  for (const char* key : {"Index Cond", "Filter", "Hash Cond", "Merge Cond", "Join Filter"}) {
    if (node.contains(key)) plan.conditions.push_back(text(key));
  }
  if (node.contains("Conflict Arbiter Indexes")) {
    for (const Json& index : node["Conflict Arbiter Indexes"]) {
      plan.arbiters.push_back(index.get<std::string>());
    }
  }
  std::string table = text("Relation Name");
  const std::string index = text("Index Name");
  if (table.empty() && tables_.contains(index)) table = tables_.at(index);
  if (!table.empty() && kind != "ModifyTable") {
    const auto parent = parents_.find(table);
    Scan scan{kind,
              parent == parents_.end() ? table : parent->second,
              text("Alias"),
              index,
              text("Index Cond"),
              text("Filter"),
              limited};
    if (parent != parents_.end()) scan.alias = without_number(scan.alias);
    const double read = node.value("Actual Rows", 0.0) + node.value("Rows Removed by Filter", 0.0);
    scan.rows_read = read * node.value("Actual Loops", 0.0);
    plan.scans.push_back(std::move(scan));
  }
  if (!node.contains("Plans")) return;
  const bool limits = kind == "Limit" || (limited && !reads_all(kind) &&
                                          !(kind == "Aggregate" && text("Strategy") != "Sorted"));
  for (const Json& child : node["Plans"]) collect(child, limits, plan);
}

}  // namespace payoutd::support
