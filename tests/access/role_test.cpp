#include "access/role.h"

#include <gtest/gtest.h>

namespace payoutd::access {
namespace {

TEST(Role, HasTheRightsOfItsWorkAndNoMore) {
  struct Expected {
    Role role;
    std::array<bool, 5> read_write_approve_admin_system;
  };
  constexpr Expected kMatrix[] = {
      {Role::viewer, {true, false, false, false, false}},
      {Role::operator_, {true, true, false, false, false}},
      {Role::approver, {true, false, true, false, false}},
      {Role::admin, {true, true, true, true, false}},
      {Role::system, {true, false, false, false, true}},
  };
  for (const Expected& row : kMatrix) {
    for (std::size_t i = 0; i < kRights.size(); ++i) {
      EXPECT_EQ(allows(row.role, kRights[i]), row.read_write_approve_admin_system[i])
          << name_of(row.role) << " " << name_of(kRights[i]);
    }
  }
}

TEST(Role, IsReadAsItIsWritten) {
  for (const Role role : kRoles) EXPECT_EQ(parse_role(name_of(role)), role);
  for (const Right right : kRights) EXPECT_EQ(parse_right(name_of(right)), right);
  EXPECT_EQ(parse_role("Admin"), std::nullopt);
  EXPECT_EQ(parse_right(""), std::nullopt);
}

TEST(Role, NamesThoseThatHaveARight) {
  EXPECT_EQ(roles_with(Right::write), "operator or admin");
  EXPECT_EQ(roles_with(Right::system), "system");
}

}  // namespace
}  // namespace payoutd::access
