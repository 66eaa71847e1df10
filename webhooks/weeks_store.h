// The SQL of the inbox's partitions, and of what is kept of the inbox after its week is gone.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "pg/database.h"

namespace payoutd::webhooks::weeks_store {

// Makes the partition of the week that has `day`, where it is not there.
void ensure(pg::Tx& tx, Time day);

// The names of the partitions whose week ended more than 30 days before `now`, without those with
// pending work.
std::vector<std::string> old(pg::Tx& tx, Time now);

// Drops the partition under a lock that nobody passes. It stays where an event of its week was
// queued since `old` told of it.
void drop_if_old(pg::Tx& tx, Time now, const std::string& name);

// Deletes failures, and events that were set aside, 60 days after they came.
void forget(pg::Tx& tx, Time now);

}  // namespace payoutd::webhooks::weeks_store
