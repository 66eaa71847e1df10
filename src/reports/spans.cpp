#include "reports/spans.h"

#include "base/check.h"

namespace payoutd::reports {
namespace {

using Quarter = std::chrono::duration<std::int64_t, std::ratio<900>>;

void add(std::vector<Range>& ranges, Time begin, Time end) {
  if (begin >= end) return;
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = end;
  } else {
    ranges.push_back({begin, end});
  }
}

void add_quarters(Spans& spans, Time begin, Time end) {
  const Time first = std::chrono::ceil<Quarter>(begin), last = std::chrono::floor<Quarter>(end);
  if (first >= last) return add(spans.rows, begin, end);
  add(spans.rows, begin, first);
  add(spans.quarters, first, last);
  add(spans.rows, last, end);
}

void add_days(Spans& spans, Time begin, Time end) {
  const Time first = std::chrono::ceil<std::chrono::days>(begin),
             last = std::chrono::floor<std::chrono::days>(end);
  if (first >= last) return add_quarters(spans, begin, end);
  add_quarters(spans, begin, first);
  add(spans.days, first, last);
  add_quarters(spans, last, end);
}

}  // namespace

Spans spans_between(const std::vector<Time>& bounds) {
  Spans spans;
  for (std::size_t i = 1; i < bounds.size(); ++i) {
    CHECK(bounds[i - 1] <= bounds[i]);
    add_days(spans, bounds[i - 1], bounds[i]);
  }
  return spans;
}

}  // namespace payoutd::reports
