// What the simulator keeps: documents (every Stripe object but two), balance transactions, events.
// A record knows its JSON text, so that a list page is a concatenation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/currency.h"
#include "base/json.h"

namespace payoutd::sim {

struct Record {
  std::string id;
  std::int64_t created = 0;
  std::uint64_t sequence = 0;  // orders what one second made: larger is newer
  bool listed = true;

  Record() = default;
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
  virtual ~Record() = default;
  virtual void append_text(std::string& out) const = 0;
  virtual OrderedJson object() const = 0;
};

struct Document final : Record {
  std::string kind;                            // Stripe's `object`: "payout"
  std::string account;                         // whose it is
  OrderedJson json;                            // what Stripe shows
  OrderedJson hidden = OrderedJson::object();  // what Stripe knows besides: how a test card behaves
  std::string text;                            // `json` as text, kept by Store::save

  void append_text(std::string& out) const override { out += text; }
  OrderedJson object() const override { return json; }

  std::string str(const char* field) const;   // "" for null or absent
  std::int64_t num(const char* field) const;  // 0 for null or absent
  bool flag(const char* field) const;
  Currency currency() const;
};

struct RowType {
  std::string_view type, category;
};

namespace row {
inline constexpr RowType charge{"charge", "charge"}, payment{"payment", "charge"},
    refund{"refund", "refund"}, partial_capture{"refund", "partial_capture_reversal"},
    payment_refund{"payment_refund", "refund"}, refund_failure{"refund_failure", "refund_failure"},
    dispute{"adjustment", "dispute"}, dispute_reversal{"adjustment", "dispute_reversal"},
    payout{"payout", "payout"}, payout_cancel{"payout_cancel", "payout_reversal"},
    payout_failure{"payout_failure", "payout_reversal"},
    minimum_hold{"payout_minimum_balance_hold", "payout_minimum_balance_hold"},
    minimum_release{"payout_minimum_balance_release", "payout_minimum_balance_release"},
    stripe_fee{"stripe_fee", "fee"}, topup{"topup", "topup"},
    topup_reversal{"topup_reversal", "topup_reversal"},
    application_fee{"application_fee", "platform_earning"},
    application_fee_refund{"application_fee_refund", "platform_earning_refund"},
    transfer{"transfer", "transfer"}, transfer_refund{"transfer_refund", "transfer_reversal"};
}  // namespace row

struct FeeDetail {
  std::int64_t amount = 0;
  std::string_view type = "stripe_fee";
  std::string application{};
  std::string_view description = "Stripe processing fees";
};

// A balance transaction. All but `available` (Stripe's status) stays as it was posted.
struct Row final : Record {
  std::int64_t amount = 0, fee = 0, available_on = 0;
  std::int64_t rate_millionths = 0;  // the exchange rate; 0: none
  Currency currency;
  RowType type;
  std::string source;  // "" for none
  std::string description;
  std::vector<FeeDetail> fee_details;
  std::string payout;  // the automatic payout that it belongs to; no API shows this
  bool available = false;

  std::int64_t net() const { return amount - fee; }
  void append_text(std::string& out) const override;
  OrderedJson object() const override;
};

// A snapshot: only the count of endpoints that have not answered yet changes.
struct Event final : Record {
  std::string type;
  std::string account;        // "" for the platform's own
  std::string object_text;    // data.object as it was
  std::string previous_text;  // previous_attributes, "" for none
  std::string request_id, idempotency_key;
  bool livemode = false;
  int pending_webhooks = 0;

  void append_text(std::string& out) const override;
  void append_version(std::string& out, std::string_view api_version) const;
  OrderedJson object() const override;
};

// `text` as a JSON string with its quotes.
void append_quoted(std::string& out, std::string_view text);

}  // namespace payoutd::sim
