// Puts access in front of a router's handlers: who asks, idempotency keys, and 503 while the
// database is away.
#pragma once

#include "access/idempotency.h"
#include "access/keys.h"
#include "http/router.h"

namespace payoutd::access {

// `keys` and `idempotency` must outlive the server.
void guard(http::Router& router, Keys& keys, Idempotency& idempotency);

}  // namespace payoutd::access
