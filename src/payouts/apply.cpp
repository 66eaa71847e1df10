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
  State state;  // in brief
  Source source = Source::list;
  std::string_view event_id, event_type;
};

// Of those of one payout, the order in which they happened.
bool happened_before(const Sighting* a, const Sighting* b) {
  const auto place = [](const Sighting& sighting) {
    const mirror::Shown& shown = sighting.state.shown;
    return std::tie(shown.at, shown.stage, shown.rank, shown.digest, sighting.event_type);
  };
  return place(*a) < place(*b);
}

// What an event tells of a state, and what a status follows from.
State brief(const State& state) {
  State brief{.body = {},
              .shown = state.shown,
              .tied = state.tied,
              .happened = state.happened,
              .seen = state.seen};
  brief.body.status = state.body.status;
  brief.body.failure_message = state.body.failure_message;
  return brief;
}

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
  const mirror::Shown& shown = sighting.state.shown;
  return shown == row.after.shown && (!row.before || row.before->shown.digest != shown.digest);
}

store::Seen seen_of(const Key& key, PayoutId id, const Sighting& sighting, OptionalText from) {
  const bool event = sighting.source == Source::event;
  const std::string kind(event ? sighting.event_type : "seen");
  const mirror::Shown& shown = sighting.state.shown;
  return {.organization = key.organization,
          .payout = id,
          .change = fmt::format("{}:{}:{:016x}", kind, shown.at,
                                static_cast<std::uint64_t>(shown.digest)),
          .kind = kind,
          .status = sighting.state.body.status.text,
          .event_id = std::string(sighting.event_id),
          .from_status = std::move(from),
          .source = mirror::name_of(sighting.source),
          .notes = sighting.state.body.failure_message,
          .occurred_at = from_unix(shown.at)};
}

// Each change of a payout with the status that it found, as if the versions of a call had come one
// by one in the order in which they happened.
void tell(const Key& key, const Row& row, const std::vector<Sighting>& sightings,
          std::vector<store::Seen>& changes) {
  std::vector<const Sighting*> in_order;
  for (const Sighting& sighting : sightings) in_order.push_back(&sighting);
  std::ranges::sort(in_order, happened_before);
  OptionalText from = row.status_before;
  std::optional<State> standing;
  for (const Sighting* sighting : in_order) {
    if (is_change(*sighting, row)) changes.push_back(seen_of(key, row.id, *sighting, from));
    if (sighting == in_order.back()) break;
    if (!standing && row.before) standing = brief(*row.before);
    standing = standing ? merge(*standing, sighting->state) : sighting->state;
    from = standing->body.status.text;
  }
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
                      .state = brief(state),
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
    std::vector<ShownRow> fresh;
    for (const auto& [key, group] : groups_) fresh.push_back({key, PayoutId::make(), group.state});
    const std::set<PayoutId> made = store::insert(tx, fresh);
    for (ShownRow& row : fresh) {
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
    std::vector<moves_store::ShownMove> changed;
    for (store::Stored& stored : store::lock(tx, keys)) {
      const State& given = groups_.at(stored.key).state;
      CHECK(!rows_.contains(stored.key));
      Row row{.id = stored.id,
              .adopted = adopted.contains(stored.key),
              .members_checked = stored.members_checked,
              .status_before = stored.state.body.status.text,
              .after = stored.ever_shown ? merge(stored.state, given) : given};
      const StatusWord stood = stored.state.body.status;
      if (stored.ever_shown) row.before = std::move(stored.state);
      if (!row.before || stored.times_differ || !same(*row.before, row.after)) {
        changed.push_back({stood, {stored.key, row.id, row.after}});
      }
      rows_[stored.key] = std::move(row);
    }
    CHECK(rows_.size() == groups_.size());
    moves_store::save_as_shown(tx, changed);
  }

  void append_changes(pg::Tx& tx) const {
    std::vector<store::Seen> changes;
    for (const auto& [key, group] : groups_) tell(key, rows_.at(key), group.sightings, changes);
    std::ranges::stable_sort(changes, [](const store::Seen& a, const store::Seen& b) {
      return std::tie(a.organization, a.payout) < std::tie(b.organization, b.payout);
    });
    const auto again =
        std::unique(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
          return a.organization == b.organization && a.payout == b.payout && a.change == b.change;
        });
    changes.erase(again, changes.end());
    store::append(tx, changes);
  }

  void report(const Key& key, const Group& group, Applied& applied) const {
    CHECK(rows_.contains(key) && !group.sightings.empty());
    const Row& row = rows_.at(key);
    bool given_out = !row.shows_new();
    for (const Sighting& sighting : group.sightings) {
      mirror::Verdict& verdict = applied.verdicts[sighting.index];
      verdict.outcome = Outcome::stale;
      if (given_out || sighting.state.shown != row.after.shown) continue;
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
