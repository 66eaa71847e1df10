// /v1/disputes.
#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/disputes.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

Try<Shown> get_dispute(const Ask& ask) {
  auto dispute = named(ask, "dispute");
  if (!dispute) return Refused(dispute.error());
  return *dispute;
}

Try<Shown> list_disputes(const Ask& ask) {
  return list_kind(ask, "dispute", [&](const Document& dispute) {
    return matches(ask, dispute, "charge") && matches(ask, dispute, "payment_intent");
  });
}

Try<Shown> update_dispute(const Ask& ask) {
  auto found = named(ask, "dispute");
  if (!found) return Refused(found.error());
  Document& dispute = **found;
  const bool submit = ask.params.flag("submit", true);
  const Json* evidence = ask.params.find("evidence");
  const bool given = evidence && evidence->is_object();
  if (given && is_closed(dispute)) return refuse("", "This dispute is already closed.");
  Edit edit(ask.world, dispute);
  merge_metadata(edit.json(), ask.params);
  if (given) give_evidence(edit.json(), *evidence, submit);
  edit.emit_if_changed("charge.dispute.updated");
  const auto text = ask.params.str("evidence.uncategorized_text");
  if (!submit || text.empty()) return *found;
  if (text == "winning_evidence" || text == "losing_evidence")
    close_dispute(ask.world, dispute, text == "winning_evidence");
  else if (text == "escalate_inquiry_evidence") escalate_inquiry(ask.world, dispute);
  return *found;
}

Try<Shown> close(const Ask& ask) {
  auto dispute = named(ask, "dispute");
  if (!dispute) return Refused(dispute.error());
  if (is_closed(**dispute)) return refuse("", "This dispute is already closed.");
  close_dispute(ask.world, **dispute, false);
  return *dispute;
}

}  // namespace

std::vector<Endpoint> dispute_endpoints() {
  return {
      {"GET", "/v1/disputes", "list created:range charge payment_intent", list_disputes},
      {"GET", "/v1/disputes/:id", "", get_dispute},
      {"POST", "/v1/disputes/:id", "evidence:hash metadata:map submit:bool", update_dispute},
      {"POST", "/v1/disputes/:id/close", "", close},
  };
}

}  // namespace payoutd::sim
