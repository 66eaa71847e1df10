// The run of one account: its lists are read, the facts that no list tells are refreshed, and the
// mirror is proved whole.
#pragma once

#include <vector>

#include "sync/account_context.h"

namespace payoutd::sync {

// Returns the record of each stream, and at the end of the account as a whole (stream "account").
// The records are stored in the run's as it goes.
std::vector<StreamRecord> run_account(const Surroundings& surroundings,
                                      const access::ConnectedAccount& account, RunId run,
                                      const Wanted& wanted);

}  // namespace payoutd::sync
