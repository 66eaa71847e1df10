#include "access/principal.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace payoutd::access {
namespace {

// Shared, so that the wrapper can set the run of a request that its handler sees as const.
Principal* slot_of(const http::Request& request) {
  const auto* slot = std::any_cast<std::shared_ptr<Principal>>(&request.principal);
  return slot == nullptr ? nullptr : slot->get();
}

}  // namespace

const Principal& principal(const http::Request& request) {
  const Principal* found = find_principal(request);
  CHECK(found != nullptr);
  return *found;
}

const Principal* find_principal(const http::Request& request) { return slot_of(request); }

Result<void> require_right(const http::Request& request, Right right) {
  return require_right(principal(request).role, right);
}

Result<void> require_right(Role role, Right right) {
  if (allows(role, right)) return {};
  return Error{Kind::forbidden, right == Right::system ? "not_system" : "role_not_allowed",
               fmt::format("this needs a key with role {}; this key's role is {}",
                           roles_with(right), name_of(role))};
}

void set_principal(http::Request& request, Principal principal) {
  request.principal = std::make_shared<Principal>(std::move(principal));
}

void set_idempotent_run(const http::Request& request, IdempotentRun run) {
  Principal* found = slot_of(request);
  CHECK(found != nullptr);
  found->idempotent_run = std::move(run);
}

const IdempotentRun* idempotent_run(const http::Request& request) {
  const Principal* found = find_principal(request);
  if (found == nullptr || !found->idempotent_run) return nullptr;
  return &*found->idempotent_run;
}

Result<std::string> require_idempotency_key(const http::Request& request) {
  const IdempotentRun* run = idempotent_run(request);
  if (run != nullptr) return run->key;
  return Error{Kind::invalid, "idempotency_key_required",
               "this request needs an Idempotency-Key header: 1 to 255 printable ASCII characters "
               "that you never use for another request"};
}

void keep_instead(const http::Request& request, std::string body) {
  Principal* found = slot_of(request);
  if (found == nullptr || !found->idempotent_run) return;
  found->idempotent_run->body_to_keep = std::move(body);
}

void answer_a_loss_with(const http::Request& request, Error error) {
  Principal* found = slot_of(request);
  if (found == nullptr || !found->idempotent_run) return;
  found->idempotent_run->in_doubt = std::move(error);
}

bool valid_actor(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._-+@:/").contains(c);
  });
}

}  // namespace payoutd::access
