#include "sync/runs.h"

#include "http/page.h"
#include "sync/runs_store.h"

namespace payoutd::sync {

namespace {

constexpr std::int64_t kPurgedAtOnce = 5'000;
constexpr int kMostPurgeBatches = 10'000;

OrderedJson to_json(const StreamRecord& stream) {
  return {{"account", stream.account},
          {"stream", stream.stream},
          {"kind", stream.kind},
          {"status", stream.status},
          {"pages", stream.counts.pages},
          {"rows", stream.counts.rows},
          {"rows_created", stream.counts.created},
          {"rows_changed", stream.counts.changed},
          {"rows_refused", stream.counts.refused},
          {"requests", stream.counts.requests},
          {"error", stream.error.empty() ? OrderedJson(nullptr) : OrderedJson(stream.error)},
          {"finished_at", to_iso(stream.finished_at)}};
}

}  // namespace

Result<http::PageOf<RunRecord>> list_runs(pg::Tx& tx, OrgId organization, const http::Page& page) {
  const auto cursor = page.after();
  if (!cursor) return cursor.error();
  std::optional<Time> before;
  std::optional<RunId> before_id;
  if (*cursor) {
    before = (*cursor)->time;
    before_id = RunId::parse((*cursor)->id);
    if (!before_id) return http::invalid_cursor();
  }
  auto found =
      http::cut(runs_store::list(tx, organization, before, before_id, page.limit + 1, page.offset),
                page, [](const RunRecord& last) {
                  return http::Cursor{last.queued_at, last.id.str()};
                });
  if (page.with_total) found.total = runs_store::count(tx, organization);
  return found;
}

Result<RunRecord> find_run(pg::Tx& tx, OrgId organization, RunId id) {
  auto run = runs_store::find(tx, organization, id);
  if (!run) return Error{Kind::missing, "run_not_found", "no such run"};
  run->streams = runs_store::streams(tx, organization, id);
  return *std::move(run);
}

std::int64_t purge_runs(pg::Database& db, Time now) {
  const runs_store::Purge purge{
      .before = now - kRunsKept, .keep = kNewestRuns, .limit = kPurgedAtOnce};
  std::int64_t total = 0;
  for (int batch = 0; batch < kMostPurgeBatches; ++batch) {
    const auto purged = db.transact(
        [&](pg::Tx& tx) -> Result<std::int64_t> { return runs_store::purge(tx, purge); });
    CHECK(purged.ok());
    if (*purged == 0) break;
    total += *purged;
  }
  return total;
}

OrderedJson to_json(const RunRecord& run) {
  OrderedJson json{{"id", run.id.str()},
                   {"status", run.status},
                   {"asked_by", run.asked_by},
                   {"account", or_null(run.account)},
                   {"repair", run.repair},
                   {"accounts", run.accounts},
                   {"pages", run.counts.pages},
                   {"rows", run.counts.rows},
                   {"rows_created", run.counts.created},
                   {"rows_changed", run.counts.changed},
                   {"requests", run.counts.requests},
                   {"rate_limited", run.limited},
                   {"error", or_null(run.error)},
                   {"queued_at", to_iso(run.queued_at)},
                   {"started_at", or_null(run.started_at)},
                   {"finished_at", or_null(run.finished_at)}};
  if (run.streams.empty()) return json;
  OrderedJson streams = OrderedJson::array();
  for (const StreamRecord& stream : run.streams) streams.push_back(to_json(stream));
  json["streams"] = std::move(streams);
  return json;
}

}  // namespace payoutd::sync
