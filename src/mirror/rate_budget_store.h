// The SQL of the shared rate budget.
#pragma once

#include <chrono>
#include <string_view>

#include "pg/database.h"

namespace payoutd::mirror::rate_budget_store {

// Takes the next `length` of that name, which begins no earlier than `pause` from now; when it
// begins, counted from the database's now: at most kMostBlocksAhead lengths, for so many instances
// are not.
inline constexpr int kMostBlocksAhead = 100;
std::chrono::microseconds lease(pg::Tx& tx, std::string_view name, std::chrono::microseconds length,
                                std::chrono::microseconds pause);

}  // namespace payoutd::mirror::rate_budget_store
