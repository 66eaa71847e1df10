#include "pg/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <expected>
#include <thread>

#include "base/check.h"

#ifdef __SANITIZE_ADDRESS__
// pqxx 6.4 forgets the answer it holds when the connection is lost under a statement: two kilobytes
// a loss, in the library. Not every function of it that does so has a name to be seen by.
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx"; }
#endif

namespace payoutd::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPauseBetweenConnects{20};

// libpq ends its messages with a newline, and adds lines.
std::string first_line(std::string_view text) {
  constexpr std::size_t kLongest = 300;
  text = text.substr(0, std::min(text.find('\n'), kLongest));
  return std::string(text);
}

// 57P01 to 57P05: the server ends the session; 25P03: it was idle inside a transaction too long.
bool means_lost(std::string_view sqlstate) {
  return sqlstate.starts_with("57P0") || sqlstate.starts_with("08") || sqlstate == "25P03" ||
         sqlstate == "53300";
}

bool means_conflict(std::string_view sqlstate) {
  return sqlstate == "40001" || sqlstate == "40P01";
}

// What speaks of the server and not of the rows: resources (53), an operator's or a timeout's
// cancellation (57), the machine (58), and single codes: lock not available, object in use,
// read-only, insufficient privilege, snapshot too old.
bool means_busy(std::string_view sqlstate) {
  constexpr std::array<std::string_view, 3> kClasses{"53", "57", "58"};
  constexpr std::array<std::string_view, 5> kCodes{"55P03", "55006", "25006", "42501", "72000"};
  return std::ranges::find(kClasses, sqlstate.substr(0, 2)) != kClasses.end() ||
         std::ranges::find(kCodes, sqlstate) != kCodes.end();
}

// pqxx 6 has no constraint name; in libpq's verbose form it is a line of its own, and only the
// place in the source follows it, so that no value of a row can pass for one.
std::string constraint_in(std::string_view verbose) {
  constexpr std::string_view kMark = "\nCONSTRAINT NAME:  ";
  const auto at = verbose.rfind(kMark);
  if (at == std::string_view::npos) return {};
  auto rest = verbose.substr(at + kMark.size());
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::string(rest);
  const auto after = rest.substr(end + 1);
  if (!after.empty() && !after.starts_with("LOCATION:  ")) return {};
  return std::string(rest.substr(0, end));
}

// pqxx 6 leaves the code out of some of its exceptions (insufficient_privilege, undefined_table);
// libpq's verbose form begins "ERROR:  42501: ".
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  constexpr std::string_view kMark = ":  ";
  const std::string_view verbose = error.what();
  const auto at = verbose.find(kMark);
  if (at == std::string_view::npos) return {};
  const std::string_view code = verbose.substr(at + kMark.size(), 6);
  return code.ends_with(':') ? std::string(code.substr(0, 5)) : std::string{};
}

// "ERROR:  23505: duplicate key …" without its first two words.
std::string_view without_prefix(std::string_view verbose, std::string_view sqlstate) {
  const auto mark = fmt::format("{}: ", sqlstate);
  const auto at = verbose.substr(0, 64).find(mark);
  return at == std::string_view::npos ? verbose : verbose.substr(at + mark.size());
}

constexpr const char* kUnstorable =
    "a text holds a NUL character or is not UTF-8, which PostgreSQL can't store";

struct Refusal {
  std::string sqlstate;
  std::string message;
  std::string constraint;
};

[[noreturn]] void throw_refusal(std::string_view what, const Refusal& refusal) {
  const std::string text = fmt::format("{}: {} ({})", what, refusal.message, refusal.sqlstate);
  if (means_lost(refusal.sqlstate)) throw Lost(text);
  if (means_conflict(refusal.sqlstate)) throw Conflict(text);
  if (means_busy(refusal.sqlstate)) throw Busy(text, refusal.sqlstate);
  SqlError refused(text, refusal.sqlstate, refusal.constraint);
  if (!refused.unstorable_text()) throw refused;
  throw SqlError(fmt::format("{}: {}", what, kUnstorable), refusal.sqlstate);
}

std::string field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string{} : std::string(text);
}

Refusal refusal_of(const PGresult* result) {
  return {field_of(result, PG_DIAG_SQLSTATE), first_line(field_of(result, PG_DIAG_MESSAGE_PRIMARY)),
          field_of(result, PG_DIAG_CONSTRAINT_NAME)};
}

bool succeeded(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

void ignore_notice(void*, const PGresult*) {}

// What the URL says goes before ours, except where the program relies on it. A peer that vanished
// without a word is noticed within about half a minute.
PGconn* start_connecting(const Connection::Settings& settings) {
  const char* names[] = {"keepalives_idle",           "keepalives_interval",
                         "keepalives_count",          "tcp_user_timeout",
                         "fallback_application_name", "dbname",
                         "client_encoding",           nullptr};
  const char* values[] = {"15",
                          "5",
                          "3",
                          "30000",
                          settings.application_name.c_str(),
                          settings.url.reveal().c_str(),
                          "UTF8",
                          nullptr};
  return PQconnectStartParams(names, values, 1);
}

std::string session_settings(const Connection::Settings& settings) {
  return fmt::format(
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex';"
      "SET standard_conforming_strings = on; SET statement_timeout = {}; SET lock_timeout = {};"
      "SET idle_in_transaction_session_timeout = {}",
      settings.statement_timeout_ms, settings.lock_timeout_ms,
      settings.idle_in_transaction_timeout_ms);
}

// The server is there but not ready.
enum class NotReady {
  changing,  // it is starting, stopping or recovering (57P03)
  crowded,   // it has no connection to spare (53300)
};

[[noreturn]] void throw_not_ready(NotReady why) {
  if (why == NotReady::crowded) throw Crowded("the database has no connection to spare");
  throw Lost("the database is starting or stopping");
}

// The connected handle.
std::expected<PGconn*, NotReady> try_connect(const Connection::Settings& settings,
                                             Deadline deadline) {
  PGconn* raw = start_connecting(settings);
  CHECK(raw != nullptr);
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);  // with the SQLSTATE
  PQsetNoticeReceiver(raw, ignore_notice, nullptr);
  auto next = PQstatus(raw) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    if (!wait_for_socket(raw, next == PGRES_POLLING_WRITING, deadline)) {
      PQfinish(raw);
      throw Lost("the database did not answer in time");
    }
    next = PQconnectPoll(raw);
  }
  if (next == PGRES_POLLING_OK) return raw;
  const std::string why = first_line(PQerrorMessage(raw));
  PQfinish(raw);
  if (why.contains(" 57P03: ")) return std::unexpected(NotReady::changing);
  if (why.contains(" 53300: ")) return std::unexpected(NotReady::crowded);
  throw Lost("can't connect to the database: " + why);
}

}  // namespace

bool wait_for_socket(PGconn* raw, bool to_write, Deadline deadline) {
  pollfd polled{PQsocket(raw), static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the next call on the connection tells
  }
}

// Hands pqxx a connection that is already made, once; afterwards it refuses to make another.
class Connection::Session final : public pqxx::connection_base {
 public:
  explicit Session(PGconn* raw) : connection_base(policy_), policy_(raw) { init(); }
  ~Session() { close(); }

 private:
  class HandOver final : public pqxx::connectionpolicy {
   public:
    explicit HandOver(PGconn* raw) : connectionpolicy(std::string{}), raw_(raw) {}
    handle do_startconnect(handle made) override {
      if (made != nullptr) return made;  // pqxx asks twice, and finds out if it is broken
      if (raw_ == nullptr) throw pqxx::broken_connection("a lost connection is not revived");
      return std::exchange(raw_, nullptr);
    }
    handle do_completeconnect(handle made) override { return made; }
    handle do_dropconnect(handle made) noexcept override { return made; }
    handle do_disconnect(handle) noexcept override { return nullptr; }  // ~Connection ends it
    bool is_ready(handle made) const noexcept override { return made != nullptr; }

   private:
    PGconn* raw_;
  };
  HandOver policy_;
};

std::unique_ptr<Connection> Connection::open(const Settings& settings, Deadline deadline) {
  auto raw = try_connect(settings, deadline);
  for (; !raw; raw = try_connect(settings, deadline)) {
    if (steady_clock::now() + kPauseBetweenConnects > deadline) throw_not_ready(raw.error());
    std::this_thread::sleep_for(kPauseBetweenConnects);
  }
  std::unique_ptr<Connection> connection(new Connection(*raw));
  connection->command(session_settings(settings));
  return connection;
}

Connection::Connection(PGconn* raw) : raw_(raw) {}

Connection::~Connection() {
  session_.reset();
  PQfinish(raw_);
}

pqxx::connection_base& Connection::pqxx() {
  if (!session_) {
    session_ = std::make_unique<Session>(raw_);
    session_->set_verbosity(pqxx::connection_base::verbose);
  }
  return *session_;
}

RawResult Connection::command(const std::string& sql) {
  RawResult result(PQexec(raw_, sql.c_str()));
  if (result && succeeded(result.get())) return result;
  const std::string what = sql.substr(0, sql.find_first_of(" ;"));
  if (!result || PQstatus(raw_) != CONNECTION_OK) {
    throw Lost(fmt::format("{}: {}", what, first_line(PQerrorMessage(raw_))));
  }
  throw_refusal(what, refusal_of(result.get()));
}

void Connection::commit() {
  if (!open_still()) throw Lost("COMMIT: the connection was lost before it was sent");
  const RawResult result(PQexec(raw_, "COMMIT"));
  if (result && succeeded(result.get())) {
    CHECK(std::string_view(PQcmdStatus(result.get())) == "COMMIT");
    return;
  }
  const Refusal refusal = result ? refusal_of(result.get()) : Refusal{};
  if (PQstatus(raw_) != CONNECTION_OK || refusal.sqlstate.empty() || refusal.sqlstate == "40003" ||
      means_lost(refusal.sqlstate)) {
    throw InDoubt("COMMIT: the connection was lost before the answer came");
  }
  throw_refusal("COMMIT", refusal);
}

void Connection::rollback() noexcept { const RawResult ignored(PQexec(raw_, "ROLLBACK")); }

void Connection::prepare(const Query& query) {
  if (prepared_.contains(&query)) return;
  pqxx().prepare(std::string(query.name), std::string(query.sql));
  prepared_.insert(&query);
}

bool Connection::open_still() {
  if (PQstatus(raw_) != CONNECTION_OK) return false;
  pollfd polled{PQsocket(raw_), POLLIN, 0};
  // The server's farewell and the end of the stream are two reads.
  for (int reads = 0; reads < 3 && ::poll(&polled, 1, 0) > 0; ++reads) {
    if (PQconsumeInput(raw_) == 0) return false;
  }
  return PQstatus(raw_) == CONNECTION_OK;
}

void Connection::rethrow(std::string_view what) {
  try {
    throw;
  } catch (const pqxx::broken_connection& error) {
    throw Lost(fmt::format("{}: {}", what, first_line(error.what())));
  } catch (const pqxx::sql_error& error) {
    const std::string_view verbose = error.what();
    if (PQstatus(raw_) != CONNECTION_OK) {
      throw Lost(fmt::format("{}: {}", what, first_line(verbose)));
    }
    const std::string sqlstate = sqlstate_of(error);
    const Refusal refusal{sqlstate, first_line(without_prefix(verbose, sqlstate)),
                          constraint_in(verbose)};
    if (refusal.sqlstate == "0A000" && refusal.message.starts_with("cached plan must not")) {
      retired_ = true;
      throw Conflict(fmt::format("{}: the schema changed under a prepared statement", what));
    }
    throw_refusal(what, refusal);
  } catch (const pqxx::serialization_failure& error) {
    throw Conflict(fmt::format("{}: {}", what, first_line(error.what())));
  } catch (const pqxx::deadlock_detected& error) {
    throw Conflict(fmt::format("{}: {}", what, first_line(error.what())));
  } catch (const pqxx::failure& error) {
    if (PQstatus(raw_) != CONNECTION_OK) throw Lost(fmt::format("{}: connection lost", what));
    throw SqlError(fmt::format("{}: {}", what, first_line(error.what())), "XX000");
  } catch (const pqxx::pqxx_exception& error) {
    throw Broken(fmt::format("{}: {}", what, first_line(error.base().what())));
  }
}

}  // namespace payoutd::pg
