// The API keys of `payoutd dev`: made once, one for each role and one of the second tenant, and
// kept in the data folder so that a restart answers to the same ones. Only a demo keeps keys in a
// file.
#pragma once

#include <map>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "pg/database.h"

namespace payoutd::app {

// By role, and `other_organization`: an admin of `other`. Keys that the database no longer knows,
// or that a person revoked, are made anew. Error: `data_dir_not_writable`.
Result<std::map<std::string, Secret>> ensure_dev_keys(pg::Database& db, OrgId platform, OrgId other,
                                                      const std::string& folder);

}  // namespace payoutd::app
