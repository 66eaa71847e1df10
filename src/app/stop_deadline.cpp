#include "app/stop_deadline.h"

#include <cstdlib>

#include "app/signals.h"
#include "base/log.h"

namespace payoutd::app {
namespace {

constexpr std::chrono::milliseconds kLookAgain{50};

}  // namespace

StopDeadline::StopDeadline(std::chrono::milliseconds time, int code)
    : thread_(
          [until = std::chrono::steady_clock::now() + time, code](const std::stop_token& ended) {
            while (!ended.stop_requested()) {
              const bool asked_again = wait_for_stop(kLookAgain) != 0;
              if (!asked_again && std::chrono::steady_clock::now() < until) continue;
              log::warn(asked_again ? "asked again to stop: ending at once"
                                    : "what still runs is cut off: the time to stop is over");
              std::_Exit(code);
            }
          }) {}

}  // namespace payoutd::app
