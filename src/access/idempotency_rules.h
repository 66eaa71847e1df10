// Idempotency-Key, without the database: which keys are taken, and what makes two requests the
// same.
#pragma once

#include <optional>
#include <string>

#include "http/router.h"

namespace payoutd::access {

// The request's key, or nothing where it has none.
// Error: 400 `idempotency_key_invalid`: not 1 to 255 printable ASCII characters, or sent twice.
Result<std::optional<std::string>> idempotency_key_in(const http::Request& request);

// "/api/payouts/po_1/cancel", under whichever spelling it was called.
std::string canonical_path(const http::Request& request, const http::Route& route);

// SHA-256 over method, canonical path, query in its order, and the body's exact bytes.
std::string fingerprint_of(const http::Request& request, const http::Route& route);

// Whether a replay repeats the header: those that say something of the result, not of the
// connection or of the request that was answered.
bool is_kept_header(std::string_view name);

}  // namespace payoutd::access
