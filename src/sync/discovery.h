// Which accounts there are: the key's own, and those that are connected to it.
#pragma once

#include "pg/database.h"
#include "stripe/client.h"

namespace payoutd::sync {

struct Discovered {
  std::size_t joined = 0;  // that nobody knew here; they are the platform's organization's
  std::size_t shown = 0;
};
// Error: as Client::call. A key of an account without Connect has none connected, and that is no
// error.
Result<Discovered> discover_accounts(pg::Database& db, stripe::Client& client, bool livemode);

}  // namespace payoutd::sync
