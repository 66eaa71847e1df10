// A database with enough rows of two unequal organizations that plans are chosen as they are at ten
// million: most of each table is of kBig and its account acct_big, acct_few has the oldest rows,
// and acct_idle none.
#pragma once

#include "base/secret.h"

namespace payoutd {

inline constexpr const char* kBig = "0000000a-0000-7000-8000-000000000000";
inline constexpr const char* kSmall = "0000000b-0000-7000-8000-000000000000";

// Only the migrations up to that number. Throws std::runtime_error.
void migrate_to(const Secret& url, int number);

// Migration 7 and any later one is in place. Throws std::runtime_error.
void fill(const Secret& url);

}  // namespace payoutd
