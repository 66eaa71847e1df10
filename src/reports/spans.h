// Which parts of a stretch of time are read from the rollups of days, which from those of quarters
// of an hour, and which from the rows themselves. Pure.
#pragma once

#include <vector>

#include "base/time.h"
#include "reports/period.h"

namespace payoutd::reports {

// Together they are the whole stretch, each instant once. Ascending; ranges that touch are one.
struct Spans {
  std::vector<Range> days;      // from midnight to midnight, UTC
  std::vector<Range> quarters;  // from one quarter of an hour to another
  std::vector<Range> rows;      // what is left at bounds that cut a quarter
};

// `bounds` ascend: no day and no quarter that one of them cuts is read as a whole.
Spans spans_between(const std::vector<Time>& bounds);

}  // namespace payoutd::reports
