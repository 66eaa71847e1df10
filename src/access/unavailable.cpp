#include "access/unavailable.h"

#include <fmt/format.h>

#include "pg/errors.h"
#include "pg/outage.h"

namespace payoutd::access {
namespace {

bool has_key(const http::Request& request) {
  return request.method == "POST" && request.header("idempotency-key");
}

std::string told(const pg::Outage& outage, const http::Request& request) {
  return fmt::format("{}, so this request did nothing{}", outage.reason,
                     has_key(request) ? "; an earlier one with its Idempotency-Key may have done "
                                        "something: ask again later, with the same key"
                                      : ": ask again later");
}

std::string told_in_doubt(const http::Request& request) {
  return fmt::format("the database was lost at the end: this may or may not have happened. {}",
                     has_key(request) ? "The same request with the same Idempotency-Key, sent "
                                        "again, finds out and does not do it twice"
                                      : "Look whether it did before you ask again");
}

}  // namespace

std::optional<http::Reply> explain_database_error(const std::exception& error,
                                                  const http::Request& request) {
  if (const auto outage = pg::outage_of(error)) {
    return http::error_reply(Error{Kind::retry, std::string(outage->code), told(*outage, request)},
                             request.request_id);
  }
  if (dynamic_cast<const pg::InDoubt*>(&error) != nullptr) {
    return http::error_reply(Error{Kind::retry, "outcome_unknown", told_in_doubt(request)},
                             request.request_id);
  }
  return std::nullopt;
}

}  // namespace payoutd::access
