#include "sync/runs.h"

#include "mirror/cursor.h"
#include "sync/runs_store.h"

namespace payoutd::sync {

namespace {

constexpr std::int64_t kPurgedAtOnce = 5'000;
constexpr int kMostPurgeBatches = 10'000;

OrderedJson or_null(const std::optional<std::string>& text) {
  return text ? OrderedJson(*text) : OrderedJson(nullptr);
}
OrderedJson or_null(const std::optional<Time>& time) {
  return time ? OrderedJson(to_iso(*time)) : OrderedJson(nullptr);
}

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

Result<access::PageOf<RunRecord>> list_runs(pg::Tx& tx, OrgId organization,
                                            const access::Page& page) {
  std::optional<Time> before;
  std::optional<RunId> before_id;
  if (page.cursor) {
    const auto cursor = mirror::Cursor::parse(*page.cursor);
    before_id = cursor ? RunId::parse(cursor->id) : std::nullopt;
    if (!before_id) return access::invalid_cursor();
    before = cursor->created;
  }
  access::PageOf<RunRecord> found;
  found.data = runs_store::list(tx, organization, before, before_id, page.limit + 1, page.offset);
  found.has_more = std::ssize(found.data) > page.limit;
  if (found.has_more) {
    found.data.pop_back();
    found.next_cursor =
        mirror::Cursor{found.data.back().queued_at, found.data.back().id.str()}.text();
  }
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
