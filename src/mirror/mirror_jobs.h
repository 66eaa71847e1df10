// What a change of the mirror calls for, as jobs: an object fetched again because two versions of
// one second can't be ordered, the transactions of a payout whose reconciliation is complete, a
// payout of ours that Stripe has shown; and what an account calls for that becomes known.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "jobs/handler.h"
#include "mirror/apply.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "stripe/pages.h"

namespace payoutd::mirror {

inline constexpr const char* kRefetchJob =
    "mirror.refetch";  // {account, type, id, not_before, instead, event: {id, created, misfit}?}
inline constexpr const char* kPayoutTransactionsJob = "mirror.payout_members";  // {account, payout}
inline constexpr const char* kSettleInstructionJob =
    "payouts.settle_instruction";  // {account, payout}

inline constexpr const char* kReadTransactionsJob = "sync.read_transactions";  // {account}
inline constexpr const char* kAdoptEventsJob = "webhooks.adopt_events";        // of all accounts
inline constexpr const char* kFindAccountJob = "sync.find_account";  // {account, connected?}

// An account became known: the events that came before are to be applied.
void enqueue_adoption(pg::Tx& tx);
// An event names an account that nobody knows, or one that is connected again: Stripe is asked for
// it. Empty: the key's own.
jobs::Job find_account_job(const std::string& account);

// For everybody who applies, in the same transaction. One job waits for one object, however many
// versions ask for it; an event that waits for an object has a job of its own.
void enqueue_follow_ups(pg::Tx& tx, const Applied& applied);
// For who applies events: also asks for what is new in the balance transactions of the accounts
// that they moved, at one statement for all, and one waiting job for each account.
void enqueue_after_events(pg::Tx& tx, const Applied& applied);
jobs::Job read_transactions_job(OrgId organization, const std::string& account);

// Applies them in one transaction, with `also` and then their follow-ups; where one can't be
// written, it alone is refused. The transaction's body may run more than once.
Result<Applied> apply_all(pg::Database& db, const Appliers& appliers,
                          std::span<const Version> versions,
                          const std::function<void(pg::Tx&)>& also = {});

// The same for a page of a list of the account's. `payout`: they were listed for that one.
struct PageOwner {
  OrgId organization;
  std::string_view account;
  std::string_view payout{};
};
Result<Applied> apply_page(pg::Database& db, const Appliers& appliers, const PageOwner& owner,
                           const stripe::Page& page, const std::function<void(pg::Tx&)>& also = {});

// Where GET shows that object: "/v1/payouts/po_1"; nothing for a type without such a path.
std::optional<std::string> path_of(std::string_view type, std::string_view stripe_id);

// The objects of those ids fetched and applied in one transaction, with their follow-ups. An object
// that Stripe does not have, or refuses to show, is left out and named. Errors: as Client::call.
struct Fetched : Applied {
  std::vector<std::string> not_shown;  // "po_1: No such payout"
  std::optional<Time> sent_at;  // the earliest of the answers'; none where Stripe had no object
};
struct Fetch {
  OrgId organization;
  std::string account;
  std::string stripe_header;  // empty for the platform's own account
  std::string type;
  std::vector<std::string> stripe_ids;
  stripe::Retries retries = stripe::Retries::reading();  // where somebody waits: fewer
};
Result<Fetched> fetch_and_apply(pg::Database& db, stripe::Client& client, const Appliers& appliers,
                                const Fetch& fetch);

// Told in a transaction that an event's object was fetched, or why it was not (`failed`). False:
// the event did not wait for it.
using FetchEnded = std::function<bool(pg::Tx&, OrgId, const WaitingEvent&, const Error* failed)>;

// The handler of kRefetchJob. The first three must outlive it.
std::vector<jobs::Handler> mirror_handlers(pg::Database& db, stripe::Client& client,
                                           const Appliers& appliers, FetchEnded ended = {});

}  // namespace payoutd::mirror
