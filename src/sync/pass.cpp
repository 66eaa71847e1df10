#include "sync/pass.h"

#include <algorithm>

namespace payoutd::sync {

Counts& Counts::operator+=(const Counts& other) {
  pages += other.pages;
  rows += other.rows;
  created += other.created;
  changed += other.changed;
  refused += other.refused;
  requests += other.requests;
  return *this;
}

Pass::Pass(Target of, const Stream& list, std::vector<Range> parts, bool resumed)
    : target(std::move(of)), stream(list), resumable(resumed), ranges(std::move(parts)) {
  for (const Range& range : ranges) top = std::max(top, range.upper);
}

}  // namespace payoutd::sync
