// An account's balance as Stripe states it now. Kept for some seconds, with its age; callers who
// ask at the same time share one request. Source: docs.stripe.com/api/balance
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "access/connected_accounts.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/money.h"
#include "stripe/client.h"

namespace payoutd::balances {

struct Part {
  std::int64_t amount = 0;  // minor units; may be negative
  std::string currency;     // Stripe's word, which may be one that Currency does not know yet
  std::map<std::string, std::int64_t> source_types;  // card, bank_account, fpx: minor units
};

struct Balance {
  std::string account;
  bool livemode = false;
  std::vector<Part> available{}, pending{}, connect_reserved{}, instant_available{};
  Time as_of{};  // Stripe's second in which it was asked
  std::chrono::steady_clock::time_point read_at{};

  // The figure of one currency; nothing where Stripe names none.
  static std::optional<std::int64_t> amount_in(const std::vector<Part>& parts,
                                               const Currency& currency);
};

// Error: upstream `stripe_answer_invalid`, where a figure can't be read.
Result<Balance> parse_balance(const std::string& account, const std::string& body);

class Balances {
 public:
  // Without a client every question is 503 `stripe_not_configured`.
  Balances(stripe::Client* client, std::chrono::milliseconds kept_for = std::chrono::seconds(10))
      : client_(client), kept_for_(kept_for) {}

  // At most `kept_for` old. Errors: those of stripe::Client::call.
  Result<Balance> get(const access::ConnectedAccount& account);
  // Straight from Stripe, for decisions about money.
  Result<Balance> fetch(const access::ConnectedAccount& account);
  // A payout was made or canceled: what is kept of this account is out of date.
  void forget(const std::string& account);

 private:
  struct Entry {
    std::optional<Balance> balance;
    bool being_read = false;
    int forgotten = 0;               // times: what was being read then is out of date, too
    int reads = 0;                   // that have ended
    std::optional<Error> failure{};  // of the last of them
  };
  struct Reading;

  stripe::Client* client_;
  const std::chrono::milliseconds kept_for_;
  std::mutex mutex_;
  std::condition_variable read_;
  std::map<std::string, Entry> entries_;
};

// {"object", "account", "available": [{amount, amount_decimal, currency, source_types}], "pending",
// "connectReserved", "instantAvailable", "livemode", "as_of", "age_seconds"}
OrderedJson to_json(const Balance& balance);

}  // namespace payoutd::balances
