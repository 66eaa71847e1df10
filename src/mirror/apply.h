// The one way into the mirror: webhooks, list pages and fetched objects all come through apply().
//
// Versions may come in any order, any number of times and from any number of threads: the same set
// of versions ends in the same rows. A version is ordered by the second in which Stripe showed it,
// then by what can only follow what ("succeeded" follows "processing"); where neither decides, the
// answer names the object to be fetched again.
//
//   db.transact([&](pg::Tx& tx) -> Result<mirror::Applied> {
//     auto applied = mirror::apply(tx, appliers, versions);
//     … enqueue applied.refetch and applied.follow_ups in the same tx …
//     return applied;
//   });
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "mirror/object.h"
#include "pg/database.h"

namespace payoutd::mirror {

enum class Source {
  event,  // data.object of an event
  list,   // an element of a list page
  fetch,  // GET of one object, or the answer to a POST
};
std::string_view name_of(Source source);

// One object as Stripe showed it once. The views must outlive the call to apply().
struct Version {
  OrgId organization;          // whose account it is: the caller has looked that up
  std::string_view account{};  // acct_… that owns the object
  std::string_view object{};   // its JSON text; what it is, its own "object" says
  Time shown_at{};             // event.created, or stripe::Response::sent_at
  Source source = Source::list;
  std::string_view event_id{};    // of Source::event
  std::string_view event_type{};  // of Source::event: "payout.paid"
  // po_…, for balance transactions listed with `payout=`: they are that payout's.
  std::string_view listed_for_payout{};
};

enum class Outcome {
  applied,  // the row shows this version
  stale,    // the row shows a newer or the same version already; nothing was lost
  ignored,  // nothing here keeps objects of that kind
  refused,  // poison: it can't be read, `error` names it and says why; the others are not affected
};

struct Verdict {
  Outcome outcome = Outcome::ignored;
  bool created = false;  // applied, and the row was not there before
  std::string error{};
};

// An event in the inbox that counts as applied once the object is fetched.
struct WaitingEvent {
  std::string id;
  Time created;
  std::string misfit;  // why its own object can't be read
  friend auto operator<=>(const WaitingEvent&, const WaitingEvent&) = default;
};

// Two versions of one second that nothing orders: fetch the object at or after `not_before`
// (Stripe's time) and apply what comes, with Source::fetch.
struct Refetch {
  OrgId organization;
  std::string account;
  std::string type;  // Stripe's "object": payout, charge, customer, …
  std::string stripe_id;
  Time not_before;
  bool instead = false;  // of an event's object that can't be read: nothing else tells of it
  std::optional<WaitingEvent> event{};  // of the inbox: it is told how the fetching ended
  friend auto operator<=>(const Refetch&, const Refetch&) = default;
};

// What the rows that were written call for; the caller enqueues it in the same transaction.
enum class FollowUpKind {
  list_payout_transactions,  // the reconciliation of that automatic payout is complete: list its
                             // transactions
  settle_instruction,  // a payout that we asked for was found by its metadata: Stripe has made it
};
struct FollowUp {
  FollowUpKind kind;
  OrgId organization;
  std::string account;
  std::string stripe_id;  // po_…
  friend auto operator<=>(const FollowUp&, const FollowUp&) = default;
};

// An account whose balance may have moved, as an event says: a payment, refund, dispute, fee,
// transfer or payout that changed.
struct Moved {
  OrgId organization;
  std::string account;
  friend auto operator<=>(const Moved&, const Moved&) = default;
};

struct Applied {
  std::vector<Verdict> verdicts;  // one for each version, in the order given
  std::vector<Moved> moved;       // by versions of Source::event; each account once
  std::vector<Refetch> refetch;
  std::vector<FollowUp> follow_ups;
  std::size_t created = 0;  // rows that were not there before
  std::size_t changed = 0;  // rows that show a newer version now

  // What another call asked for is asked for with this one; its verdicts and counts stay there.
  void take_follow_ups(Applied&& other);
};

// The versions of one kind of object in one call, read one by one and then written as a set.
class Batch {
 public:
  virtual ~Batch() = default;
  // `index` is the version's place in the call. Error: why this object can't be taken.
  virtual Result<void> add(std::size_t index, const Version& version, const Object& object) = 0;
  // Writes all that was added, rows in the order of their keys, and fills in their verdicts.
  virtual void write(pg::Tx& tx, Applied& applied) = 0;
};

// Who keeps which kind of object, by Stripe's word for it. Made once by the app: the mirror's own,
// and payouts::add_applier's. Kinds are written in the order of their names, so that two calls
// never wait for each other in a circle.
class Appliers {
 public:
  using Make = std::function<std::unique_ptr<Batch>()>;

  static Appliers mirror();  // all that the mirror's tables keep; without payouts
  // One batch takes all `object_types`; its name is the first.
  void add(std::vector<std::string> object_types, Make make);

  struct Named {
    std::string name;
    Make make;
  };
  std::optional<std::size_t> place_of(std::string_view object_type) const;
  const Named& at(std::size_t place) const { return makes_.at(place); }

 private:
  std::vector<Named> makes_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

// Applies at most kMaxVersions at once. Throws what the database throws; then nothing was applied.
inline constexpr std::size_t kMaxVersions = 10'000;
Applied apply(pg::Tx& tx, const Appliers& appliers, std::span<const Version> versions);

// The same where one of them can't be written: each in a savepoint of its own, so that only those
// are refused that the database or a CHECK of ours refuses.
Applied apply_one_by_one(pg::Tx& tx, const Appliers& appliers, std::span<const Version> versions);

}  // namespace payoutd::mirror
