#include "stripe/sim/world/store.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::sim {
namespace {

bool older(const Record* a, const Record* b) {
  return std::pair(a->created, a->sequence) < std::pair(b->created, b->sequence);
}

// Almost always at the end: only a row made with an older date goes further down.
template <class T>
void insert_in_order(Series<T>& list, T* record) {
  if (list.empty() || older(list.back(), record)) list.push_back(record);
  else list.insert(std::ranges::upper_bound(list, record, older), record);
}

}  // namespace

Account& Store::add_account(const std::string& id, const std::string& platform) {
  CHECK(!account_by_id_.contains(id));
  auto& account = *accounts_.emplace_back(std::make_unique<Account>());
  account.id = id;
  account.platform = platform;
  account_by_id_[account.id] = &account;
  return account;
}

Account* Store::account(std::string_view id) {
  const auto it = account_by_id_.find(id);
  return it == account_by_id_.end() ? nullptr : it->second;
}

Document& Store::add(Account& account, OrderedJson json) {
  auto& document = documents_.emplace_back();
  document.json = std::move(json);
  document.id = document.str("id");
  document.kind = document.str("object");
  document.created = document.num("created");
  document.account = account.id;
  document.sequence = ++sequence_;
  CHECK(by_id_.emplace(document.id, &document).second);
  insert_in_order(account.documents[document.kind], &document);
  save(document);
  return document;
}

void Store::save(Document& document) { document.text = dump(document.json); }

Document* Store::find(std::string_view id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

Document* Store::find(const Account& account, std::string_view kind, std::string_view id) {
  Document* found = find(id);
  return found && found->kind == kind && found->account == account.id ? found : nullptr;
}

void Store::remove(Document& document) {
  document.listed = false;
  by_id_.erase(document.id);
}

const Series<Document>& Store::under(const std::string& parent) const {
  static const Series<Document> kNone;
  const auto it = children_.find(parent);
  return it == children_.end() ? kNone : it->second;
}

Row& Store::add_row(Account& account, std::string id, std::int64_t created) {
  auto& row = account.rows.emplace_back();
  row.id = std::move(id);
  row.created = created;
  row.sequence = ++sequence_;
  CHECK(row_by_id_.emplace(row.id, std::pair(&row, &account)).second);
  insert_in_order(account.row_list, &row);
  return row;
}

Row* Store::row(std::string_view id) {
  const auto it = row_by_id_.find(id);
  return it == row_by_id_.end() ? nullptr : it->second.first;
}

Account& Store::owner(const Row& row) { return *row_by_id_.at(row.id).second; }

Event& Store::add_event(Account& account, std::string id, std::int64_t created) {
  auto& event = account.events.emplace_back();
  event.id = std::move(id);
  event.created = created;
  event.sequence = ++sequence_;
  CHECK(event_by_id_.emplace(event.id, &event).second);
  account.event_list.push_back(&event);
  return event;
}

Event* Store::event(std::string_view id) {
  const auto it = event_by_id_.find(id);
  return it == event_by_id_.end() ? nullptr : it->second;
}

void Store::forget_events_before(std::int64_t created) {
  for (auto& account : accounts_) {
    auto& list = account->event_list;
    const auto kept =
        std::ranges::find_if(list, [&](const Event* event) { return event->created >= created; });
    for (auto it = list.begin(); it != kept; ++it) {
      event_by_id_.erase((*it)->id);
      account->events.pop_front();
    }
    list.erase(list.begin(), kept);
  }
}

}  // namespace payoutd::sim
