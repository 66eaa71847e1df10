// The answer when the database goes away under a request: 503 with Retry-After, and never that a
// good key is bad.
#pragma once

#include <exception>
#include <optional>

#include "http/message.h"

namespace payoutd::access {

// For http::Router::explain_with. 503 with the code and the reason of pg::outage_of when nothing
// was done; 503 `outcome_unknown` when the connection broke while a commit was on its way
// (pg::InDoubt). Nothing for other exceptions.
std::optional<http::Reply> explain_database_error(const std::exception& error,
                                                  const http::Request& request);

}  // namespace payoutd::access
