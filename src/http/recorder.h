// What is kept of each answered request: a line in the log, a count, a latency. Never a raw path as
// a label, never a body, key or query.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "http/deadlines.h"
#include "http/metrics.h"
#include "http/router.h"

namespace payoutd::http {

class Recorder {
 public:
  explicit Recorder(Metrics* metrics) : metrics_(metrics) {}

  struct Answered {
    const Route* route;  // null: none matched
    std::string_view method;
    std::string_view request_id;
    int status;
    Moment::duration took;
  };
  void record(const Answered& answered);  // on one thread

 private:
  struct Seen {
    prometheus::Histogram* latency = nullptr;
    std::map<std::pair<std::string, int>, prometheus::Counter*, std::less<>> counts;
  };
  Seen& seen(const Route* route);

  Metrics* metrics_;
  std::map<const Route*, Seen> routes_;
};

}  // namespace payoutd::http
