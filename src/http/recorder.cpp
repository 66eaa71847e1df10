#include "http/recorder.h"

#include <fmt/format.h>

#include "base/log.h"

namespace payoutd::http {
namespace {

std::string name_of(const Route* route) { return route == nullptr ? "unmatched" : route->pattern; }

}  // namespace

Recorder::Seen& Recorder::seen(const Route* route) {
  Seen& seen = routes_[route];
  if (seen.latency == nullptr) {
    seen.latency = &metrics_->histogram(
        "http_request_seconds", "From a request's last byte to its answer",
        {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
        {{"route", name_of(route)}});
  }
  return seen;
}

void Recorder::record(const Answered& answered) {
  if (log::enabled(log::Level::debug)) {
    log::debug("answered",
               {{"request_id", answered.request_id},
                {"method", answered.method},
                {"route", name_of(answered.route)},
                {"status", answered.status},
                {"ms", std::chrono::duration<double, std::milli>(answered.took).count()}});
  }
  if (metrics_ == nullptr) return;
  Seen& seen = this->seen(answered.route);
  seen.latency->Observe(std::chrono::duration<double>(answered.took).count());
  auto& counter = seen.counts[{std::string(answered.method), answered.status}];
  if (counter == nullptr) {
    counter = &metrics_->counter("http_requests_total", "Requests answered",
                                 {{"route", name_of(answered.route)},
                                  {"method", std::string(answered.method)},
                                  {"status", std::to_string(answered.status)}});
  }
  counter->Increment();
}

}  // namespace payoutd::http
