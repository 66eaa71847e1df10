// The SQL of accounts that Stripe refused to show.
#pragma once

#include <string>

#include "base/time.h"
#include "pg/database.h"

namespace payoutd::sync::find_account_store {

void refuse(pg::Tx& tx, const std::string& account, const std::string& why, Time now);
// Whether it is not to be asked for yet.
bool is_refused(pg::Tx& tx, const std::string& account, Time now);
void forget(pg::Tx& tx, const std::string& account);

}  // namespace payoutd::sync::find_account_store
