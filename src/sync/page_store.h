// Pages of lists into the tables, each with the cursor that says it is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mirror/apply.h"
#include "pg/database.h"
#include "sync/cursors_store.h"
#include "sync/list_page.h"
#include "sync/pass.h"

namespace payoutd::sync {

struct StoredPage {
  const Pass* pass = nullptr;
  std::string_view payout{};  // whose members it shows
  ListPage page{};            // into a body that outlives this
  Time sent_at{};
  bool done = false;  // the last of its reading
  std::vector<cursors_store::RangeChange> changes{};

  // Filled in: what became of its objects.
  Counts counts{};
  std::string refused{};
  std::vector<ListedEvent> events{};
  std::vector<mirror::Refetch> refetch{};  // objects of events that can't be read as they stand
};

// All in one transaction. Throws what the database throws, and SqlError for text it can't keep;
// then nothing was stored.
void store_together(pg::Database& db, const mirror::Appliers& appliers,
                    const std::vector<StoredPage*>& pages);

// An object that can't be written is left out, counted as refused, that the others are not lost.
void store_item_by_item(pg::Database& db, const mirror::Appliers& appliers, StoredPage& page);

}  // namespace payoutd::sync
