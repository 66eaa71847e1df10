#include "sync/listing.h"

#include <algorithm>

namespace payoutd::sync {
namespace {

// A pass that a killed run began ends at its own time; what came since is read by one more.
constexpr std::chrono::minutes kStale{1};
constexpr int kMostRounds = 2;

}  // namespace

void Listing::read() {
  for (int rounds = 0; rounds < kMostRounds && round() && run_.may_go_on(); ++rounds) {
  }
}

// The pass that is open goes on; without one, or when it is of no use any more, another begins.
std::shared_ptr<Pass> Listing::open_pass(pg::Tx& tx, const StreamState& state, const Stream& stream,
                                         std::optional<Time> events_synced_to, Time now) {
  const cursors_store::Place place{run_.target.organization, run_.target.account,
                                   std::string(stream.name)};
  const bool events = stream.name == kEvents;
  PassPlan plan = events
                      ? plan_events(state, now)
                      : plan_pass(state, stream.changes, events_synced_to, run_.wanted.repair, now);
  if (state.open) {
    const bool outlived = state.open->began_at < now - kEventsReach;
    const bool too_little = plan.kind == PassKind::whole && state.open->kind != PassKind::whole;
    if (!outlived && !too_little) plan = *state.open;
    else cursors_store::drop_pass(tx, place);
  }
  if (!state.open || plan != *state.open) cursors_store::begin_pass(tx, place, plan);
  auto pass = run_.pass_of(stream, cursors_store::ranges_of(tx, place), true);
  pass->plan = plan;
  return pass;
}

// True if there was something to go on with, so that what came since is still to be read.
bool Listing::round() {
  const Time now = run_.in.clock.now();
  std::vector<std::shared_ptr<Pass>> passes;
  const auto opened = run_.in.db.transact([&](pg::Tx& tx) -> Result<void> {
    passes.clear();
    auto states = cursors_store::states(tx, run_.target.organization, run_.target.account);
    const auto events_synced_to = states[std::string(kEvents)].synced_to;
    passes.push_back(
        open_pass(tx, states[std::string(kEvents)], stream_named(kEvents), events_synced_to, now));
    for (const Stream& stream : object_streams()) {
      passes.push_back(
          open_pass(tx, states[std::string(stream.name)], stream, events_synced_to, now));
    }
    return {};
  });
  if (!opened) {
    run_.fail("account", "account", opened.error());
    return false;
  }
  bool stale = false;
  for (const auto& pass : passes) {
    stale = stale || from_unix(pass->plan.to) < now - kStale;
    run_.in.lister.add(pass);
  }
  for (const auto& pass : passes) {
    run_.in.lister.wait(pass);
    close(*pass);
  }
  return stale;
}

void Listing::close(const Pass& pass) {
  const std::string stream(pass.stream.name);
  const std::string kind(name_of(pass.plan.kind));
  if (pass.error) return run_.fail(stream, kind, pass);
  const auto ended = run_.in.db.transact([&](pg::Tx& tx) -> Result<void> {
    cursors_store::end_pass(tx, {run_.target.organization, run_.target.account, stream});
    return {};
  });
  if (!ended) return run_.fail(stream, kind, ended.error(), pass.counts);
  if (stream == kCustomers && pass.plan.kind == PassKind::whole)
    customers_listed_whole_ =
        std::min(pass.plan.began_at, pass.asked_since.value_or(pass.plan.began_at));
  run_.succeed(stream, kind, pass);
}

}  // namespace payoutd::sync
