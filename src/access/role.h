// Roles of API keys, and the rights that routes ask for.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace payoutd::access {

enum class Role { viewer, operator_, approver, admin, system };

// The right that a route asks for: the words of http::Route::access.
enum class Right { read, write, approve, admin, system };

inline constexpr std::array kRoles = {Role::viewer, Role::operator_, Role::approver, Role::admin,
                                      Role::system};
inline constexpr std::array kRights = {Right::read, Right::write, Right::approve, Right::admin,
                                       Right::system};

std::string_view name_of(Role role);    // "operator"
std::string_view name_of(Right right);  // "write"
std::optional<Role> parse_role(std::string_view text);
std::optional<Right> parse_right(std::string_view text);

bool allows(Role role, Right right);

// "operator or admin": for messages that say which key is needed.
std::string roles_with(Right right);

}  // namespace payoutd::access
