// Finds who asks: `Authorization: Bearer <key>`, and what its role may do.
#pragma once

#include "access/keys.h"
#include "access/principal.h"
#include "http/router.h"

namespace payoutd::access {

// For http::Router::authenticate_with; `keys` must outlive the server. Sets the Principal of the
// request, or replies
//   401 `api_key_missing`, `api_key_invalid`, `api_key_revoked`, `api_key_expired`, each with
//       WWW-Authenticate;
//   403 `role_not_allowed`, naming the roles that are, or `not_system`, see require_right;
//   403 `actor_not_allowed` when a key that is not system's sends X-Payoutd-Actor, 400
//       `actor_invalid` when that can't be a name.
// It may ask the database, so a route with `access` must run on workers; what that throws is a 503
// by explain_database_error.
http::Authenticator authenticator(Keys& keys);

}  // namespace payoutd::access
