#include "access/guard.h"

#include "access/authentication.h"
#include "access/unavailable.h"

namespace payoutd::access {

void guard(http::Router& router, Keys& keys, Idempotency& idempotency) {
  router.authenticate_with(authenticator(keys));
  router.wrap_with([&idempotency](http::Context& context, const http::Route& route,
                                  const http::Handler& handler) {
    return idempotency.run(context, route, handler);
  });
  router.explain_with(explain_database_error);
}

}  // namespace payoutd::access
