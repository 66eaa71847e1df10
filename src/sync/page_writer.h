// Pages of lists into the tables, each with the cursor that says it is there.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
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
  std::string_view payout{};  // whose transactions it shows
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

// Stores pages, in one transaction where that works, else page by page; an object that can't be
// written is then left out and counted as refused. A database that is away or busy says nothing of
// a page: it is tried again for `patience`, unless `stopped` says that nobody waits. Storing a page
// again changes nothing, so a commit that may have happened is repeated, too.
// Pages that are stored leave `pages`; the error is of those that stay.
std::optional<Error> store_pages(pg::Database& db, const mirror::Appliers& appliers,
                                 std::vector<StoredPage*>& pages,
                                 std::chrono::milliseconds patience,
                                 const std::function<bool()>& stopped);

}  // namespace payoutd::sync
