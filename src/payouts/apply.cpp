#include "payouts/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mirror/set.h"
#include "payouts/mirrored_store.h"
#include "payouts/moves_store.h"

namespace payoutd::payouts {

namespace {

namespace store = mirrored_store;
using mirror::Applied;
using mirror::FollowUpKind;
using mirror::Key;
using mirror::Outcome;
using mirror::Source;
using mirror::Version;

// A version of a payout in this call, for the log of sightings.
struct Sighting {
  std::size_t index = 0;
  mirror::Shown shown;
  StatusWord status;
  std::optional<std::string> failure_message;
  Source source = Source::list;
  std::string_view event_id, event_type;
};

struct Group {
  State state;  // of all its versions
  std::vector<Sighting> sightings;
};

// A payout's row before and after the call.
struct Row {
  PayoutId id;
  bool made = false;     // by this call
  bool adopted = false;  // it was ours, and has been found
  bool members_checked = false;
  OptionalText status_before{};  // none for a row that this call made
  std::optional<State> before{};
  State after;

  bool shows_new() const { return !before || before->shown != after.shown; }
};

bool same(const State& a, const State& b) {
  return a.shown == b.shown && a.tied == b.tied && a.happened == b.happened && a.seen == b.seen &&
         a.body.status == b.body.status &&
         a.body.reconciliation_status == b.body.reconciliation_status;
}

// An event is a change of its own, seen once however often it is delivered; a list or a fetched
// object is one only when it showed what was not known.
bool is_change(const Sighting& sighting, const Row& row) {
  if (sighting.source == Source::event) return true;
  return sighting.shown == row.after.shown &&
         (!row.before || row.before->shown.digest != sighting.shown.digest);
}

store::Seen seen_of(const Key& key, const Row& row, const Sighting& sighting) {
  const bool event = sighting.source == Source::event;
  const std::string kind(event ? sighting.event_type : "seen");
  return {.organization = key.organization,
          .payout = row.id,
          .change = fmt::format("{}:{}:{:016x}", kind, sighting.shown.at,
                                static_cast<std::uint64_t>(sighting.shown.digest)),
          .kind = kind,
          .status = sighting.status.text,
          .event_id = std::string(sighting.event_id),
          .from_status = row.status_before,
          .source = mirror::name_of(sighting.source),
          .notes = sighting.failure_message,
          .occurred_at = from_unix(sighting.shown.at)};
}

class Payouts final : public mirror::Batch {
 public:
  Result<void> add(std::size_t index, const Version& version,
                   const mirror::Object& object) override {
    mirror::Fields fields(object);
    Key key{version.organization, std::string(version.account), fields.id("id")};
    if (const auto bad = fields.error()) return *bad;
    auto payout = read_stripe_payout(object);
    if (!payout) return payout.error();
    State state = state_of(*std::move(payout), version);
    Sighting sighting{.index = index,
                      .shown = state.shown,
                      .status = state.body.status,
                      .failure_message = state.body.failure_message,
                      .source = version.source,
                      .event_id = version.event_id,
                      .event_type = version.event_type};
    const auto [at, fresh] = groups_.try_emplace(std::move(key));
    at->second.state = fresh ? std::move(state) : merge(at->second.state, state);
    at->second.sightings.push_back(std::move(sighting));
    return {};
  }

  // Every key gets its row first, so that the rows can then be locked in one order by everybody.
  void write(pg::Tx& tx, Applied& applied) override {
    if (groups_.empty()) return;
    const std::set<Key> adopted = store::adopt(tx, claims());
    insert(tx);
    merge_stored(tx, adopted);
    append_changes(tx);
    for (const auto& [key, group] : groups_) report(key, group, applied);
  }

 private:
  std::vector<store::Claim> claims() const {
    std::vector<store::Claim> claims;
    for (const auto& [key, group] : groups_) {
      const StripePayout& body = group.state.body;
      const auto id = body.asked_for_by ? PayoutId::parse(*body.asked_for_by) : std::nullopt;
      if (id) claims.push_back({key, *id, body.money});
    }
    return claims;
  }

  void insert(pg::Tx& tx) {
    std::vector<store::Saved> fresh;
    for (const auto& [key, group] : groups_) fresh.push_back({key, PayoutId::make(), group.state});
    const std::set<PayoutId> made = store::insert(tx, fresh);
    for (store::Saved& row : fresh) {
      if (!made.contains(row.id)) continue;
      rows_[row.key] = {.id = row.id, .made = true, .after = std::move(row.state)};
    }
  }

  void merge_stored(pg::Tx& tx, const std::set<Key>& adopted) {
    std::vector<Key> keys;
    for (const auto& [key, group] : groups_) {
      if (!rows_.contains(key)) keys.push_back(key);
    }
    if (keys.empty()) return;
    std::vector<store::Saved> changed;
    std::vector<moves_store::ShownMove> moves;
    for (store::Stored& stored : store::lock(tx, keys)) {
      const State& given = groups_.at(stored.key).state;
      CHECK(!rows_.contains(stored.key));
      Row row{.id = stored.id,
              .adopted = adopted.contains(stored.key),
              .members_checked = stored.members_checked,
              .status_before = stored.state.body.status.text,
              .after = stored.ever_shown ? merge(stored.state, given) : given};
      const StatusWord& stood = stored.state.body.status;
      if (stood != row.after.body.status)
        moves.push_back({stored.key.organization, row.id, stood, row.after.body.status});
      if (stored.ever_shown) row.before = std::move(stored.state);
      if (!row.before || stored.times_differ || !same(*row.before, row.after)) {
        changed.push_back({stored.key, row.id, row.after});
      }
      rows_[stored.key] = std::move(row);
    }
    CHECK(rows_.size() == groups_.size());
    moves_store::move_as_shown(tx, moves);
    store::save(tx, changed);
  }

  void append_changes(pg::Tx& tx) const {
    std::vector<store::Seen> changes;
    for (const auto& [key, group] : groups_) {
      const Row& row = rows_.at(key);
      for (const Sighting& sighting : group.sightings) {
        if (is_change(sighting, row)) changes.push_back(seen_of(key, row, sighting));
      }
    }
    std::sort(changes.begin(), changes.end(), [](const store::Seen& a, const store::Seen& b) {
      return std::tie(a.organization, a.payout, a.occurred_at, a.change) <
             std::tie(b.organization, b.payout, b.occurred_at, b.change);
    });
    store::append(tx, changes);
  }

  void report(const Key& key, const Group& group, Applied& applied) const {
    CHECK(rows_.contains(key) && !group.sightings.empty());
    const Row& row = rows_.at(key);
    bool given_out = !row.shows_new();
    for (const Sighting& sighting : group.sightings) {
      mirror::Verdict& verdict = applied.verdicts[sighting.index];
      verdict.outcome = Outcome::stale;
      if (given_out || sighting.shown != row.after.shown) continue;
      verdict = {Outcome::applied, row.made, {}};
      given_out = true;
    }
    if (row.made) ++applied.created;
    else if (row.shows_new()) ++applied.changed;
    if (row.after.tied && (row.shows_new() || !row.before->tied)) {
      applied.refetch.push_back(mirror::refetch_of(key, "payout", row.after.shown.at));
    }
    follow_up(key, row, applied);
  }

  void follow_up(const Key& key, const Row& row, Applied& applied) const {
    const auto add = [&](FollowUpKind kind) {
      applied.follow_ups.push_back({kind, key.organization, key.account, key.stripe_id});
    };
    const auto complete = [](const State& state) {
      return state.body.reconciliation_status == "completed";
    };
    if (row.adopted) add(FollowUpKind::settle_instruction);
    const bool news = !row.before || !complete(*row.before);
    if (row.after.body.automatic && complete(row.after) && news && !row.members_checked) {
      add(FollowUpKind::list_payout_transactions);
    }
  }

  std::map<Key, Group> groups_;
  std::map<Key, Row> rows_;
};

}  // namespace

void add_applier(mirror::Appliers& appliers) {
  appliers.add({"payout"}, [] { return std::make_unique<Payouts>(); });
}

}  // namespace payoutd::payouts
