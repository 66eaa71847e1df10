// The SQL of how far each list was read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "pg/database.h"
#include "sync/ranges.h"

namespace payoutd::sync::cursors_store {

struct Place {
  OrgId organization;
  std::string account;
  std::string stream;
  friend auto operator<=>(const Place&, const Place&) = default;
};

std::map<std::string, StreamState> states(pg::Tx& tx, OrgId organization, std::string_view account);

// Opens a pass with one range; there must be none open.
void begin_pass(pg::Tx& tx, const Place& place, const PassPlan& plan);
// From the newest to the oldest.
std::vector<Range> ranges_of(pg::Tx& tx, const Place& place);
// Ends the open pass, whose ranges are all read. False: some are not, and it stays open.
bool end_pass(pg::Tx& tx, const Place& place);
// Forgets an open pass and its ranges.
void drop_pass(pg::Tx& tx, const Place& place);

// The change of a range by a page: it moves down, it is cut, or it is done.
struct RangeChange {
  Place place;
  Range range;  // by its upper
  bool done = false;
  bool resumable = true;  // false: nothing is kept of it
};
void save_ranges(pg::Tx& tx, const std::vector<RangeChange>& changes);

// Pending rows whose day has come, as days of `created`: merged ranges, the oldest first, at most
// `limit`.
std::vector<Range> due_pending(pg::Tx& tx, OrgId organization, std::string_view account, Time now,
                               std::int64_t limit);
// Customers that a whole list, begun at that time, did not show any more.
std::vector<std::string> customers_not_seen_since(pg::Tx& tx, OrgId organization,
                                                  std::string_view account, Time began_at,
                                                  std::int64_t limit);
// Objects with a list inside that was shown in part; at most `limit` of each type.
struct Cut {
  std::vector<std::string> subscriptions, application_fees;
};
Cut cut(pg::Tx& tx, OrgId organization, std::string_view account, std::int64_t limit);
// Payouts to be fetched again: past their arrival date and not there, or without trace although it
// is due, or still to be reconciled; without those that were shown since then.
std::vector<std::string> payouts_to_refresh(pg::Tx& tx, OrgId organization,
                                            std::string_view account, Time now,
                                            Time not_shown_since, std::int64_t limit);

}  // namespace payoutd::sync::cursors_store
