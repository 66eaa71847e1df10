// The SQL of customers beyond what their columns give (table.h).
#pragma once

#include <span>

#include "base/time.h"
#include "mirror/shown.h"
#include "pg/database.h"

namespace payoutd::mirror::customers_store {

struct Created {
  Key key;
  Time created;
};

// Gives rows without `created` the one that an older version knew.
void keep_created(pg::Tx& tx, std::span<const Created> known);

}  // namespace payoutd::mirror::customers_store
