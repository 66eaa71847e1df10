// The SQL of how fresh balance transactions are.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "pg/database.h"

namespace payoutd::sync::freshness_store {

// Notes that a reading begins, where the last began at least `apart` ago, and returns up to when
// the account is known. Nothing: it is too early, or no run has listed it.
std::optional<Time> begin(pg::Tx& tx, OrgId organization, const std::string& account, Time now,
                          std::chrono::seconds apart);
std::optional<Time> read_at(pg::Tx& tx, OrgId organization, const std::string& account);
// Never moves it back.
void end(pg::Tx& tx, OrgId organization, const std::string& account, Time fresh_until);

std::optional<Time> fresh_until(pg::Tx& tx, OrgId organization,
                                const std::optional<std::string>& account);

}  // namespace payoutd::sync::freshness_store
