// Who asks. A handler learns its organization from here and from nowhere else: not from a path, a
// query or a body.
//
//   auto list(http::Context& context) {
//     const Principal& who = access::principal(context.request);
//     return store.list(who.organization, …);
//   }
#pragma once

#include <optional>
#include <string>

#include "access/role.h"
#include "base/ids.h"
#include "http/message.h"

namespace payoutd::access {

// The Idempotency-Key that the request at hand runs under. `id` stays the same when a request is
// resumed after a crash: store it beside what the request makes, and find that by it again.
struct IdempotentRun {
  std::string key;
  Uuid id;
  // An earlier request with this key and body began, and its end is not known.
  bool resumed = false;
  std::optional<std::string> body_to_keep{};  // see keep_instead()
  std::optional<Error> in_doubt{};            // see answer_a_loss_with()
};

struct Principal {
  OrgId organization{};
  ApiKeyId key{};
  Role role = Role::viewer;
  // "key:<id>", or "user:<name>" where a system key names a person: who did it, in every record.
  std::string actor{};
  std::optional<IdempotentRun> idempotent_run{};  // set while a POST with Idempotency-Key runs
};

// CHECKs that the request was authenticated: its route names an `access`.
const Principal& principal(const http::Request& request);

// The caller on routes that may have none: nullptr.
const Principal* find_principal(const http::Request& request);

// For routes where the right depends on the body, beside the `access` that they name: a status that
// is a signature. Errors: 403 `role_not_allowed`, naming the roles that are, or `not_system`.
Result<void> require_right(const http::Request& request, Right right);
Result<void> require_right(Role role, Right right);

// For the authenticator, for programs that call handlers themselves, and tests.
void set_principal(http::Request& request, Principal principal);
// For the idempotency wrapper. CHECKs as above.
void set_idempotent_run(const http::Request& request, IdempotentRun run);

// The run of this request's Idempotency-Key, or nothing where it has none.
const IdempotentRun* idempotent_run(const http::Request& request);

// The key itself where a route insists on one. Error: 400 `idempotency_key_required`.
Result<std::string> require_idempotency_key(const http::Request& request);

// Stores `body` for replays in place of the reply's own, where that holds a secret which is shown
// once. Does nothing without an Idempotency-Key.
void keep_instead(const http::Request& request, std::string body);

// The deed of the request stands: should the database be lost before its answer is kept, `error` is
// answered, which says where to look. Does nothing without an Idempotency-Key: no answer is kept.
void answer_a_loss_with(const http::Request& request, Error error);

// Whether `name` may stand in X-Payoutd-Actor: 1 to 128 of A-Z a-z 0-9 . _ - + @ : /
bool valid_actor(std::string_view name);

}  // namespace payoutd::access
