// The SQL of the queue between the inbox and the tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/database.h"
#include "webhooks/event_types.h"

namespace payoutd::webhooks {

struct Failure {
  const StoredEvent* event;
  std::string error;
};

// Where the queue begins: before it stands nothing but dead rows, which a take would else step
// over, and what the transactions in `open` queued or will queue. Known to each process by itself;
// one that starts looks once from the beginning.
struct QueueHead {
  std::int64_t xid = 0;  // of the transaction that queued
  std::string event_id;
  std::vector<std::int64_t> open;
};

struct QueueBacklog {
  std::int64_t waiting = 0;  // counted to kCountedTo, and as many delayed ones
  double oldest_seconds = 0;
  std::int64_t failed = 0;  // counted to kCountedTo
};

// How long an event waits for the object that is fetched instead of its own. The job that fetches
// ends the wait; should that be lost, the event is taken again.
inline constexpr std::chrono::hours kFetchTakes{1};

namespace queue_store {

inline constexpr int kCountedTo = 10'000;

// How the statements below are planned, until plan_as_usual: by the index alone. A plan that was
// made while the queue was short or unknown to the statistics would read and sort the whole of it
// for ever.
void plan_by_index(pg::Tx& tx);
void plan_as_usual(pg::Tx& tx);

// Where the queue begins now, as the transaction sees it: nothing can be queued before it any
// more but by those in `open`. A database that went back in time is looked at from the beginning.
QueueHead head(pg::Tx& tx, const QueueHead& last);
// Takes the oldest `limit` events that nobody else holds off the queue, with their bodies. The
// cost depends on `limit` alone, not on the queue's length nor on its dead rows.
std::vector<StoredEvent> take(pg::Tx& tx, const QueueHead& head, int limit);
// Takes the delayed events whose time has come.
std::vector<StoredEvent> take_delayed(pg::Tx& tx, int limit);
// Puts events that were taken aside for so long; they are taken again after it.
void delay(pg::Tx& tx, std::span<const StoredEvent* const> events, std::chrono::seconds pause);
// Keeps them as failed, with their errors, until a person looks at them.
void keep_failed(pg::Tx& tx, std::span<const Failure> failures);
// For an event that waits for a fetched object: it is applied, or failed with the reason.
// False: it does not wait.
bool fetched(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event);
bool not_fetched(pg::Tx& tx, OrgId organization, const mirror::WaitingEvent& event,
                 const std::string& error);
QueueBacklog backlog(pg::Tx& tx, const QueueHead& head);

}  // namespace queue_store

}  // namespace payoutd::webhooks
