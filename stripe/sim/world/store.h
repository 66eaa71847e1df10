// All state of the simulated Stripe, by account. Nothing here locks: whoever reads holds the
// simulator's lock shared, whoever writes holds it alone.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stripe/sim/world/record.h"

namespace payoutd::sim {

struct Totals {
  std::int64_t available = 0, pending = 0;
};

template <class T>
using Series = std::vector<T*>;  // oldest first, by (created, sequence)

struct Account {
  std::string id;
  std::string platform;        // whose connected account it is; empty for a platform
  Document* object = nullptr;  // the account object
  std::map<std::string, Series<Document>, std::less<>> documents;  // by kind
  std::deque<Row> rows;                                            // owned here, listed below
  Series<Row> row_list;
  std::unordered_map<std::string, Series<Row>> rows_by_source;
  std::unordered_map<std::string, Series<Row>>
      rows_by_payout;  // of automatic payouts, with their own
  std::map<Currency, Totals> totals;
  std::map<Currency, Series<Row>> unswept;  // not yet in an automatic payout
  std::deque<Event> events;
  Series<Event> event_list;

  bool connected() const { return !platform.empty(); }
};

class Store {
 public:
  Account& add_account(const std::string& id, const std::string& platform);
  Account* account(std::string_view id);
  // In the order they were made; the first is the platform.
  const std::vector<std::unique_ptr<Account>>& accounts() const { return accounts_; }

  // Files `json` (with its `id`, `object` and `created`) under the account.
  Document& add(Account& account, OrderedJson json);
  void save(Document& document);  // after its json changed
  Document* find(std::string_view id);
  // Nothing where the id is another kind's or another account's: Stripe says resource_missing.
  Document* find(const Account& account, std::string_view kind, std::string_view id);
  // No longer found or listed; events keep what they showed.
  void remove(Document& document);

  // What belongs to one object: refunds of a charge, reversals of a transfer. Oldest first.
  void file_under(const std::string& parent, Document& child) {
    children_[parent].push_back(&child);
  }
  const Series<Document>& under(const std::string& parent) const;

  Row& add_row(Account& account, std::string id, std::int64_t created);
  Row* row(std::string_view id);
  Account& owner(const Row& row);
  Event& add_event(Account& account, std::string id, std::int64_t created);
  Event* event(std::string_view id);
  void forget_events_before(std::int64_t created);

 private:
  std::vector<std::unique_ptr<Account>> accounts_;
  std::unordered_map<std::string_view, Account*> account_by_id_;
  std::deque<Document> documents_;
  std::unordered_map<std::string_view, Document*> by_id_;
  std::unordered_map<std::string_view, std::pair<Row*, Account*>> row_by_id_;
  std::unordered_map<std::string_view, Event*> event_by_id_;
  std::unordered_map<std::string, Series<Document>> children_;
  std::uint64_t sequence_ = 0;
};

}  // namespace payoutd::sim
