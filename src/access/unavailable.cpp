#include "access/unavailable.h"

#include <fmt/format.h>

#include "pg/errors.h"
#include "pg/outage.h"

namespace payoutd::access {
namespace {

std::string told(const pg::Outage& outage, const http::Request& request) {
  const bool writes = request.method != "GET" && request.method != "HEAD";
  return fmt::format("{}, so this was not done: ask again later{}", outage.reason,
                     writes ? ", with the same Idempotency-Key" : "");
}

}  // namespace

std::optional<http::Reply> explain_database_error(const std::exception& error,
                                                  const http::Request& request) {
  if (const auto outage = pg::outage_of(error)) {
    return http::error_reply(
        Error{Kind::retry, std::string(outage->code), told(*outage, request)}, request.request_id);
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
