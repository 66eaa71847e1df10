#include "payouts/payouts_api.h"

namespace payoutd::payouts {
namespace {

constexpr const char* kTexts[] = {
    "rail", "priority", "method", "description", "notes", "account", "stripe_payout_id",
    "failure_code", "failure_message", "reconciliation_status", "trace_id", "origin_module",
    "origin_entity_id", "influencerId", "campaignId", "invoiceId", "poId", "batch_id", "hold_id",
    "external_id", "reference_code", "created_by", "approved_by"};
constexpr const char* kTimes[] = {"scheduled_run", "arrival_date", "next_attempt_at", "returned_at",
                                  "requestedAt", "approvedAt", "processedAt", "paidAt", "failedAt"};
constexpr const char* kAmounts[] = {"molam_fee", "bank_fee", "tax", "net_amount"};

}  // namespace

Json payout_schema() {
  Json schema = Json::parse(R"({"type": "object", "properties": {
    "id": {"type": "string", "format": "uuid"},
    "status": {"type": "string", "description": "pending, approved, queued, processing, in_transit, paid, failed, canceled"},
    "type": {"type": "string"},
    "amount": {"type": "integer", "format": "int64", "description": "gross, in minor units"},
    "amount_decimal": {"type": "string"}, "currency": {"type": "string"},
    "metadata": {"type": "object"}, "automatic": {"type": ["boolean", "null"]},
    "destination": {}, "beneficiary": {}, "attempts": {"type": "integer"},
    "blocks": {"type": "array", "items": {"type": "object"}},
    "statusHistory": {"type": "array", "items": {"type": "object"}},
    "created": {"type": "string", "format": "date-time"},
    "updated": {"type": "string", "format": "date-time"}}})");
  Json& properties = schema["properties"];
  for (const char* name : kTexts) properties[name] = {{"type", {"string", "null"}}};
  for (const char* name : kTimes) {
    properties[name] = {{"type", {"string", "null"}}, {"format", "date-time"}};
  }
  for (const char* name : kAmounts) {
    properties[name] = {{"type", {"integer", "null"}}, {"format", "int64"}};
  }
  return schema;
}

}  // namespace payoutd::payouts
