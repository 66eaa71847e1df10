// The versions of one kind of object in one call: folded to one version a row, sorted by key, and
// upserted by one statement.
//
// Kind names the table, its Row and the rules:
//   using Row = …;
//   static constexpr auto columns = std::tuple{Column{"amount", &Row::amount}, …};
//   static const Statements& statements();
//   static Result<Row> read(const Object&, const Version&);
//   static Shown shown(const Row&, const Version&);         // stage and rank; the rest is set here
//   static constexpr std::string_view type = "charge";      // for Refetch
//   optional: bool Row::cut, for a list inside that Stripe showed in part: then the object is
//   fetched optional: static void keep(Row& winner, const Row& loser);            // kept columns
//   optional: static void keep_stored(pg::Tx&, std::span<const Entry*>);  // the same in the table
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mirror/table.h"

namespace payoutd::mirror {

template <class Row>
struct Entry {
  Key key;
  Shown shown;
  bool tied = false;
  std::size_t index = 0;  // of its version in the call
  Row row;
};

// Sorts by key and leaves the newest entry of each; the indexes of the others are handed to
// `stale`.
template <class Row, class Stale, class Keep>
void fold(std::vector<Entry<Row>>& entries, Stale&& stale, Keep&& keep) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.key, b.shown, a.index) < std::tie(b.key, a.shown, b.index);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (kept > 0 && entries[kept - 1].key == entries[i].key) {
      Entry<Row>& winner = entries[kept - 1];
      winner.tied = winner.tied || winner.shown.ties_with(entries[i].shown);
      keep(winner.row, std::as_const(entries[i].row));
      stale(entries[i].index);
      continue;
    }
    if (kept != i) entries[kept] = std::move(entries[i]);
    ++kept;
  }
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(kept), entries.end());
}

inline Refetch refetch_of(const Key& key, std::string_view type, std::int64_t tied_at) {
  return {key.organization, key.account, std::string(type), key.stripe_id, from_unix(tied_at + 1)};
}

// The arrays that every table's statements begin with.
struct KeyArrays {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_id;
  pg::Array<std::int32_t> stage;
  pg::Array<Time> shown_at;
  pg::Array<std::int64_t> rank, digest;
  pg::Array<bool> tied;

  void add(const Key& key, const Shown& shown, bool is_tied) {
    organization.add(key.organization);
    account.add(key.account);
    stripe_id.add(key.stripe_id);
    stage.add(shown.stage);
    shown_at.add(from_unix(shown.at));
    rank.add(shown.rank);
    digest.add(shown.digest);
    tied.add(is_tied);
  }
  template <class... More>
  pg::Rows exec(pg::Tx& tx, const pg::Query& query, const More&... more) const {
    return tx.exec(query, organization, account, stripe_id, stage, shown_at, rank, digest, tied,
                   more...);
  }
};

// Walks the entries beside the rows that a statement returned for some of them in the same order.
template <class EntryT, class Hit, class Miss>
void match(const std::vector<EntryT>& entries, const pg::Rows& rows, Hit&& hit, Miss&& miss) {
  std::size_t next = 0;
  std::string account, stripe_id;
  const auto load = [&] {
    if (next == rows.size()) return;
    account = rows[next].template get<std::string>("account");
    stripe_id = rows[next].template get<std::string>("stripe_id");
  };
  load();
  for (const EntryT& entry : entries) {
    if (next < rows.size() && entry.key.stripe_id == stripe_id && entry.key.account == account) {
      hit(entry, rows[next]);
      ++next;
      load();
    } else {
      miss(entry);
    }
  }
  CHECK(next == rows.size());
}

template <class Kind>
class SetOf final : public Batch {
 public:
  using Row = typename Kind::Row;
  using EntryT = Entry<Row>;

  Result<void> add(std::size_t index, const Version& version, const Object& object) override {
    Fields fields(object);
    Key key{version.organization, std::string(version.account), fields.id("id")};
    if (const auto bad = fields.error()) return *bad;
    auto row = Kind::read(object, version);
    if (!row) return row.error();
    Shown shown = Kind::shown(*row, version);
    shown.at = to_unix(version.shown_at);
    shown.digest = digest_of(*row, Kind::columns);
    entries_.push_back({std::move(key), shown, false, index, *std::move(row)});
    return {};
  }

  // Adds what another set has read.
  void take(SetOf&& other) {
    std::move(other.entries_.begin(), other.entries_.end(), std::back_inserter(entries_));
    other.entries_.clear();
  }
  std::vector<std::size_t> indexes() const {
    std::vector<std::size_t> indexes;
    for (const EntryT& entry : entries_) indexes.push_back(entry.index);
    return indexes;
  }

  void write(pg::Tx& tx, Applied& applied) override {
    if (entries_.empty()) return;
    fold(
        entries_, [&](std::size_t index) { applied.verdicts[index].outcome = Outcome::stale; },
        [](Row& winner, const Row& loser) {
          if constexpr (requires { Kind::keep(winner, loser); }) Kind::keep(winner, loser);
        });
    std::vector<const EntryT*> beaten;
    match(
        entries_, upsert(tx),
        [&](const EntryT& entry, const pg::Row& row) { applied_row(entry, row, applied); },
        [&](const EntryT& entry) {
          applied.verdicts[entry.index].outcome = Outcome::stale;
          beaten.push_back(&entry);
        });
    if (!beaten.empty()) look_for_ties(tx, beaten, applied);
  }

 private:
  pg::Rows upsert(pg::Tx& tx) const {
    KeyArrays keys;
    typename ArraysOf<std::remove_const_t<decltype(Kind::columns)>>::type arrays;
    for (const EntryT& entry : entries_) {
      keys.add(entry.key, entry.shown, entry.tied);
      append_row(arrays, entry.row, Kind::columns);
    }
    return std::apply(
        [&](const auto&... array) { return keys.exec(tx, Kind::statements().upsert, array...); },
        arrays);
  }

  void applied_row(const EntryT& entry, const pg::Row& row, Applied& applied) const {
    Verdict& verdict = applied.verdicts[entry.index];
    verdict.outcome = Outcome::applied;
    verdict.created = row.get<bool>("created");
    ++(verdict.created ? applied.created : applied.changed);
    if (row.get<bool>("tied") || is_cut(entry)) {
      applied.refetch.push_back(refetch_of(entry.key, Kind::type, entry.shown.at));
    }
  }

  // Of a cut version the rest is to be read, whichever row it met.
  static bool is_cut(const EntryT& entry) {
    if constexpr (requires { entry.row.cut; }) return entry.row.cut;
    else return false;
  }

  void look_for_ties(pg::Tx& tx, const std::vector<const EntryT*>& beaten, Applied& applied) const {
    KeyArrays keys;
    for (const EntryT* entry : beaten) {
      keys.add(entry->key, entry->shown, entry->tied);
      if (is_cut(*entry))
        applied.refetch.push_back(refetch_of(entry->key, Kind::type, entry->shown.at));
    }
    for (const pg::Row row : keys.exec(tx, Kind::statements().tie)) {
      const auto account = row.get<std::string>("account");
      const auto stripe_id = row.get<std::string>("stripe_id");
      const auto found = std::find_if(beaten.begin(), beaten.end(), [&](const EntryT* entry) {
        return entry->key.stripe_id == stripe_id && entry->key.account == account;
      });
      CHECK(found != beaten.end());
      applied.refetch.push_back(refetch_of((*found)->key, Kind::type, (*found)->shown.at));
    }
    if constexpr (requires { Kind::keep_stored(tx, beaten); }) Kind::keep_stored(tx, beaten);
  }

  std::vector<EntryT> entries_;
};

}  // namespace payoutd::mirror
