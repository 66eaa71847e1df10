// How whole and how fresh the mirrors of all organizations are, as gauges.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/clock.h"
#include "http/metrics.h"
#include "pg/database.h"

namespace payoutd::sync {

class Gauges {
 public:
  explicit Gauges(const Clock& clock) : clock_(clock) {}
  void publish(pg::Tx& tx, http::Metrics& metrics);

 private:
  const Clock& clock_;
  // Balances that differed once, by account and currency: one that is whole again says so, and one
  // that never differed has no line.
  std::map<std::pair<std::string, std::string>, http::Metrics::Labels> differed_;
};

}  // namespace payoutd::sync
