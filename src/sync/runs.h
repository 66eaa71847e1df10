// The records of runs, for people who watch or look back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"
#include "http/page.h"
#include "pg/database.h"
#include "sync/lister.h"

namespace payoutd::sync {

// A list of an account in a run, or the account as a whole (stream "account").
struct StreamRecord {
  std::string account{}, stream{};
  std::string kind{};    // whole, rescan, increment, or what else was looked after
  std::string status{};  // succeeded, failed, interrupted, busy, deauthorized
  Counts counts{};
  std::string error{};  // empty: none
  Time finished_at{};
};

struct RunRecord {
  OrgId organization{};
  RunId id{};
  std::string asked_by{};  // schedule, start, cli, key:…
  std::optional<std::string> account{};
  bool repair = false;
  std::string status{};  // queued, running, succeeded, partial, failed, interrupted
  std::int32_t accounts = 0;
  Counts counts{};
  std::int64_t limited = 0;
  std::optional<std::string> error{};
  Time queued_at{};
  std::optional<Time> started_at{}, finished_at{};
  std::vector<StreamRecord> streams{};  // only of one run that was asked for
};

// The newest first. Error: 400 `invalid_cursor`.
Result<http::PageOf<RunRecord>> list_runs(pg::Tx& tx, OrgId organization, const http::Page& page);
// Error: 404 `run_not_found`, for another organization's too.
Result<RunRecord> find_run(pg::Tx& tx, OrgId organization, RunId id);

// Forgets what runs did more than kRunsKept ago, in transactions of some thousand rows; each
// organization keeps its newest kNewestRuns and the newest that finished. How many rows went.
inline constexpr std::chrono::days kRunsKept{90};
inline constexpr int kNewestRuns = 20;
std::int64_t purge_runs(pg::Database& db, Time now);

OrderedJson to_json(const RunRecord& run);

}  // namespace payoutd::sync
