#include "stripe/sim/resources/disputes.h"

#include <array>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

constexpr std::array kEvidence = {"access_activity_log",
                                  "billing_address",
                                  "cancellation_policy",
                                  "cancellation_policy_disclosure",
                                  "cancellation_rebuttal",
                                  "customer_communication",
                                  "customer_email_address",
                                  "customer_name",
                                  "customer_purchase_ip",
                                  "customer_signature",
                                  "duplicate_charge_documentation",
                                  "duplicate_charge_explanation",
                                  "duplicate_charge_id",
                                  "product_description",
                                  "receipt",
                                  "refund_policy",
                                  "refund_policy_disclosure",
                                  "refund_refusal_explanation",
                                  "service_date",
                                  "service_documentation",
                                  "shipping_address",
                                  "shipping_carrier",
                                  "shipping_date",
                                  "shipping_documentation",
                                  "shipping_tracking_number",
                                  "uncategorized_file",
                                  "uncategorized_text"};

OrderedJson no_evidence() {
  OrderedJson out;
  for (const char* field : kEvidence) out[field] = nullptr;
  out["enhanced_evidence"] = OrderedJson::object();
  return out;
}

bool inquiry(const Document& dispute) { return dispute.str("status").starts_with("warning"); }

OrderedJson dispute_object(World& world, const Account& account, const Document& charge,
                           Dispute kind) {
  const bool asks = kind == Dispute::inquiry;
  return {{"id", world.id("dp", account)},
          {"object", "dispute"},
          {"amount", charge.num("amount") - charge.num("amount_refunded")},
          {"balance_transactions", OrderedJson::array()},
          {"charge", charge.id},
          {"created", world.now},
          {"currency", charge.str("currency")},
          {"enhanced_eligibility_types", OrderedJson::array()},
          {"evidence", no_evidence()},
          {"evidence_details",
           {{"due_by", midnight(world.now) + 21 * kDay + kDay - 1},
            {"enhanced_eligibility", OrderedJson::object()},
            {"has_evidence", false},
            {"past_due", false},
            {"submission_count", 0}}},
          {"is_charge_refundable", asks},
          {"livemode", world.livemode},
          {"metadata", OrderedJson::object()},
          {"payment_intent", charge.json["payment_intent"]},
          {"payment_method_details",
           {{"card",
             {{"brand", "visa"},
              {"case_type", asks ? "inquiry" : "chargeback"},
              {"network_reason_code", "10.4"}}},
            {"type", "card"}}},
          {"reason", kind == Dispute::not_received ? "product_not_received" : "fraudulent"},
          {"status", asks ? "warning_needs_response" : "needs_response"}};
}

void move_money(World& world, Document& dispute, bool withdraw) {
  Account& account = *world.store.account(dispute.account);
  const Document& charge = *world.store.find(dispute.str("charge"));
  const Currency settlement = world.store.row(charge.str("balance_transaction"))->currency;
  const auto amount = convert(dispute.num("amount"), dispute.currency(), settlement);
  Posting posting{
      .type = withdraw ? row::dispute : row::dispute_reversal,
      .amount = withdraw ? -amount.amount : amount.amount,
      .currency = settlement,
      .source = dispute.id,
      .description =
          (withdraw ? "Chargeback withdrawal for " : "Chargeback reversal for ") + charge.id,
      .rate_millionths = amount.rate_millionths};
  if (withdraw)
    posting.fees.push_back(
        {.amount = world.options.pricing.dispute_fee, .description = "Dispute fee"});
  const Row& row = post(world, account, std::move(posting));
  Edit edit(world, dispute);
  edit["balance_transactions"].push_back(row.object());
  edit.emit(withdraw ? "charge.dispute.funds_withdrawn" : "charge.dispute.funds_reinstated");
}

}  // namespace

bool is_closed(const Document& dispute) {
  const auto status = dispute.str("status");
  return status == "won" || status == "lost" || status == "warning_closed";
}

Document& open_dispute(World& world, Account& account, Document& charge, Dispute kind) {
  Document& dispute = world.store.add(account, dispute_object(world, account, charge, kind));
  Edit edit(world, charge);
  edit["disputed"] = true;
  edit.emit("charge.updated");
  emit(world, dispute, "charge.dispute.created");
  if (kind != Dispute::inquiry) move_money(world, dispute, true);
  return dispute;
}

void give_evidence(OrderedJson& dispute, const Json& evidence, bool submit) {
  for (const char* field : kEvidence)
    if (const auto given = evidence.find(field); given != evidence.end() && given->is_string())
      dispute["evidence"][field] = or_null(given->get<std::string>());
  dispute["evidence_details"]["has_evidence"] = true;
  if (!submit) return;
  auto& count = dispute["evidence_details"]["submission_count"];
  count = count.get<std::int64_t>() + 1;
  const bool asks = dispute["status"].get<std::string>().starts_with("warning");
  dispute["status"] = asks ? "warning_under_review" : "under_review";
}

void escalate_inquiry(World& world, Document& dispute) {
  if (!inquiry(dispute)) return;
  Edit edit(world, dispute);
  edit["status"] = "needs_response";
  edit["is_charge_refundable"] = false;
  edit.emit("charge.dispute.updated");
  move_money(world, dispute, true);
}

void close_dispute(World& world, Document& dispute, bool won) {
  if (is_closed(dispute)) return;
  const bool was_inquiry = inquiry(dispute);
  Edit edit(world, dispute);
  edit["status"] = was_inquiry ? "warning_closed" : won ? "won" : "lost";
  edit.emit("charge.dispute.closed");
  if (won && !was_inquiry) move_money(world, dispute, false);
}

}  // namespace payoutd::sim
