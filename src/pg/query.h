// A statement with a name. Declaring one at namespace scope registers it, so that a test can
// prepare every statement of the program and look for the organization in it.
#pragma once

#include <string_view>
#include <vector>

#include "pg/lock_order.h"

namespace payoutd::pg {

// What a statement's WHERE or VALUES must say of the tenant.
enum class Tenancy {
  organization,  // names organization_id
  global,        // touches only tables that are found before the tenant is known, or says why not
};

struct Query {
  // Throws Broken, which ends the program at its start, when two statements share a name or the
  // name is longer than the 63 bytes that PostgreSQL tells apart.
  Query(std::string_view name, std::string_view sql, Tenancy tenancy = Tenancy::organization,
        Locks locks = {});
  Query(std::string_view name, std::string_view sql, Locks locks);
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  std::string_view name;  // unique in the program
  std::string_view sql;   // parameters are $1, $2, …
  Tenancy tenancy;
  Locks locks;

  static const std::vector<const Query*>& all();
};

}  // namespace payoutd::pg
