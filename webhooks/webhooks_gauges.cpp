#include "webhooks/webhooks_gauges.h"

#include "webhooks/unknown_store.h"

namespace payoutd::webhooks {

void publish_counts(http::Metrics& metrics, const Inbox& inbox, const ApplyWorkers& apply) {
  const auto set = [&metrics](const char* name, const char* help, auto value) {
    metrics.gauge(name, help).Set(static_cast<double>(value));
  };
  const auto stored = inbox.counts();
  set("payoutd_inbox_waiting", "Events that wait for their commit.", stored.waiting);
  set("payoutd_inbox_stored", "Events stored since the start.", stored.stored);
  set("payoutd_inbox_duplicates", "Deliveries of events that were stored already.",
      stored.duplicates);
  set("payoutd_inbox_refused", "Events answered 503.", stored.refused);
  const auto applied = apply.counts();
  set("payoutd_events_applied", "Events applied since the start.", applied.applied);
  set("payoutd_events_failed", "Events that could not be applied since the start.", applied.failed);
}

void publish_standing(pg::Tx& tx, http::Metrics& metrics, const ApplyWorkers& apply) {
  const auto set = [&metrics](const char* name, const char* help, auto value) {
    metrics.gauge(name, help).Set(static_cast<double>(value));
  };
  const QueueBacklog backlog = apply.backlog(tx);
  set("payoutd_apply_waiting", "Stored events that are not applied yet, counted to at most 10,000.",
      backlog.waiting);
  set("payoutd_apply_lag_seconds", "Age of the oldest stored event that is not applied.",
      backlog.oldest_seconds);
  set("payoutd_events_set_aside",
      "Events that could not be applied and wait for a person, counted to at most 10,000.",
      backlog.failed);
  set("payoutd_events_unknown_account",
      "Events that wait for their account to become known, counted to at most 10,000.",
      unknown_store::waiting(tx));
}

}  // namespace payoutd::webhooks
