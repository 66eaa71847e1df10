#include "access/unavailable.h"

#include "pg/errors.h"

namespace payoutd::access {
namespace {

bool nothing_was_done(const std::exception& error) {
  return dynamic_cast<const pg::Unavailable*>(&error) != nullptr ||
         dynamic_cast<const pg::Conflict*>(&error) != nullptr;
}

}  // namespace

std::optional<http::Reply> explain_database_error(const std::exception& error,
                                                  const http::Request& request) {
  if (const auto* busy = dynamic_cast<const pg::Busy*>(&error); busy && busy->read_only()) {
    return http::error_reply(
        Error{Kind::retry, "database_read_only",
              "the database takes no writes at the moment, so this was refused: ask again later, "
              "with the same Idempotency-Key"},
        request.request_id);
  }
  if (nothing_was_done(error)) {
    return http::error_reply(Error{Kind::retry, "database_unavailable",
                                   "the database can't be reached at the moment: ask again"},
                             request.request_id);
  }
  if (dynamic_cast<const pg::InDoubt*>(&error) != nullptr) {
    return http::error_reply(
        Error{Kind::retry, "outcome_unknown",
              "the database was lost at the end: this may or may not have happened. The same "
              "request with the same Idempotency-Key, sent again, finds out and does not do it "
              "twice"},
        request.request_id);
  }
  return std::nullopt;
}

}  // namespace payoutd::access
