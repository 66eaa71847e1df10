// SIGTERM and SIGINT end the program in order: they are blocked in every thread and waited for by
// main.
#pragma once

#include <chrono>

namespace payoutd::app {

// Call it first in main, before any thread is started, so that all of them inherit it.
void block_stop_signals();

// Returns the signal, or 0 when `time` passed without one.
int wait_for_stop(std::chrono::milliseconds time);

}  // namespace payoutd::app
