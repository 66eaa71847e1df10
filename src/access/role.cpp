#include "access/role.h"

#include "base/check.h"

namespace payoutd::access {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::viewer: return "viewer";
    case Role::operator_: return "operator";
    case Role::approver: return "approver";
    case Role::admin: return "admin";
    case Role::system: return "system";
  }
  broken("a role without a name", __FILE__, __LINE__);
}

std::string_view name_of(Right right) {
  switch (right) {
    case Right::read: return "read";
    case Right::write: return "write";
    case Right::approve: return "approve";
    case Right::admin: return "admin";
    case Right::system: return "system";
  }
  broken("a right without a name", __FILE__, __LINE__);
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : kRoles) {
    if (name_of(role) == text) return role;
  }
  return std::nullopt;
}

std::optional<Right> parse_right(std::string_view text) {
  for (const Right right : kRights) {
    if (name_of(right) == text) return right;
  }
  return std::nullopt;
}

// An approver does not write and an operator does not approve, so that asking and allowing can be
// two people's. An admin is a person: calls between services need a system key.
bool allows(Role role, Right right) {
  switch (right) {
    case Right::read: return true;
    case Right::write: return role == Role::operator_ || role == Role::admin;
    case Right::approve: return role == Role::approver || role == Role::admin;
    case Right::admin: return role == Role::admin;
    case Right::system: return role == Role::system;
  }
  broken("a right without roles", __FILE__, __LINE__);
}

std::string roles_with(Right right) {
  std::string names;
  for (const Role role : kRoles) {
    if (!allows(role, right)) continue;
    if (!names.empty()) names += " or ";
    names += name_of(role);
  }
  return names;
}

}  // namespace payoutd::access
