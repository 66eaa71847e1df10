// What every statement of a program must stand: PostgreSQL can prepare it on the migrated schema,
// and in its plan each table that has an organization_id is bound to an organization: by a
// parameter, or by that of a table that is. Statements that cross organizations are marked as
// global.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "pg/query.h"

namespace payoutd::support {

// One sentence per fault; empty when all is well. `url` is a migrated database.
std::vector<std::string> faults_of_queries(
    const Secret& url, const std::vector<const pg::Query*>& queries = pg::Query::all());

}  // namespace payoutd::support
