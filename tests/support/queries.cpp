#include "support/queries.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cctype>
#include <memory>
#include <set>
#include <stdexcept>

namespace payoutd::support {
namespace {

using Session = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

// What starts at `at` and is no part of the statement's words: its end, or `at` again.
std::size_t skip(std::string_view sql, std::size_t at) {
  const auto past = [&](std::string_view end, std::size_t from) {
    const auto found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (sql.substr(at, 2) == "--") return past("\n", at);
  if (sql.substr(at, 2) == "/*") return past("*/", at + 2);
  if (sql[at] == '\'') return past("'", at + 1);
  return at;
}

// The words of a statement, lower case, without literals and comments.
std::set<std::string> words_of(std::string_view sql) {
  std::set<std::string> words;
  std::string word;
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t next = skip(sql, at);
    if (next == at && is_part(sql[at])) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(sql[at])));
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
    at = std::max(next, at + 1);
  }
  if (!word.empty()) words.insert(word);
  return words;
}

std::vector<std::string> tenant_tables(PGconn* session) {
  const Answer rows(PQexec(session,
                           "SELECT DISTINCT table_name FROM information_schema.columns "
                           "WHERE column_name = 'organization_id' AND table_schema = 'public'"),
                    &PQclear);
  std::vector<std::string> tables;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    tables.emplace_back(PQgetvalue(rows.get(), row, 0));
  }
  return tables;
}

std::string fault_of_tenancy(const pg::Query& query, const std::vector<std::string>& tables) {
  if (query.tenancy == pg::Tenancy::global) return {};
  const auto words = words_of(query.sql);
  if (words.contains("organization_id")) return {};
  for (const auto& table : tables) {
    if (words.contains(table)) {
      return fmt::format("{} touches {} and does not name organization_id", query.name, table);
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> faults_of_queries(const Secret& url,
                                           const std::vector<const pg::Query*>& queries) {
  const Session session(PQconnectdb(url.reveal().c_str()), &PQfinish);
  if (PQstatus(session.get()) != CONNECTION_OK) throw std::runtime_error("no database to ask");
  const auto tables = tenant_tables(session.get());
  std::vector<std::string> faults;
  for (const pg::Query* query : queries) {
    const Answer prepared(PQprepare(session.get(), std::string(query->name).c_str(),
                                    std::string(query->sql).c_str(), 0, nullptr),
                          &PQclear);
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) {
      faults.push_back(fmt::format("{}: {}", query->name, PQerrorMessage(session.get())));
    }
    if (auto fault = fault_of_tenancy(*query, tables); !fault.empty()) faults.push_back(fault);
  }
  return faults;
}

}  // namespace payoutd::support
