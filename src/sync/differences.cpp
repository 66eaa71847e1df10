#include "sync/differences.h"

#include <algorithm>
#include <set>

#include "mirror/balance_transactions.h"
#include "mirror/mirror_jobs.h"
#include "stripe/pages.h"
#include "sync/checks_store.h"

namespace payoutd::sync {

namespace {

using checks_store::Row;

// Whether two rows of one id are the same money.
bool same(const Row& a, const Row& b) {
  return a.amount == b.amount && a.fee == b.fee && a.net == b.net && a.type == b.type &&
         a.created == b.created;
}

Result<Row> read(const stripe::Item& item) {
  std::string_view code, type;
  std::int64_t amount = 0, fee = 0, net = 0, created = 0;
  const bool whole = item.object["amount"].get(amount) == simdjson::SUCCESS &&
                     item.object["fee"].get(fee) == simdjson::SUCCESS &&
                     item.object["net"].get(net) == simdjson::SUCCESS &&
                     item.object["created"].get(created) == simdjson::SUCCESS &&
                     item.object["currency"].get(code) == simdjson::SUCCESS &&
                     item.object["type"].get(type) == simdjson::SUCCESS;
  const auto currency = Currency::shown(code);
  if (!whole || !currency) {
    return Error{Kind::upstream, "stripe_list_malformed",
                 "a balance transaction can't be read: " + std::string(item.id)};
  }
  return Row{.id = std::string(item.id),
             .type = std::string(type),
             .amount = {amount, *currency},
             .fee = {fee, *currency},
             .net = {net, *currency},
             .created = from_unix(created),
             .text = std::string(item.raw)};  // copied: the page goes
}

// Compares one stretch of `created` after the other, from the newest down.
class Comparer {
 public:
  Comparer(const Comparison& comparison, const Target& target, Time until)
      : with_(comparison), target_(target), above_(until) {}

  // `rows` are all that Stripe has with `created` from `from` up to what was compared before.
  Result<void> compare(const std::vector<Row>& rows, Time from, Time sent_at) {
    const auto mirrored = with_.db.transact([&](pg::Tx& tx) -> Result<std::vector<Row>> {
      return checks_store::rows_between(tx, target_.organization, target_.account, from, above_);
    });
    if (!mirrored) return mirrored.error();
    std::map<std::string_view, const Row*> ours;
    for (const Row& row : *mirrored) ours[row.id] = &row;
    std::vector<const Row*> to_apply;
    for (const Row& row : rows) {
      if (row.created >= above_) continue;
      const auto found = ours.find(row.id);
      if (found == ours.end()) {
        ++differences_.missing;
        name(row, &DayDifference::missing);
        to_apply.push_back(&row);
        continue;
      }
      if (!same(row, *found->second)) {
        ++differences_.altered;
        name(row, &DayDifference::altered);
        to_apply.push_back(&row);
      }
      ours.erase(found);
    }
    std::vector<std::string> surplus;
    for (const auto& [id, row] : ours) {
      ++differences_.surplus;
      name(*row, &DayDifference::surplus);
      surplus.emplace_back(id);
    }
    above_ = from;
    if (!with_.mend) return {};
    if (auto applied = apply(to_apply, sent_at); !applied) return applied;
    return remove(surplus);
  }

  Differences take() { return std::move(differences_); }

 private:
  // Names the row where its day is the first that differs so far. Days come from the newest to the
  // oldest: an earlier one takes the place of what was named.
  void name(const Row& row, std::vector<std::string> DayDifference::*ids) {
    const auto day = std::chrono::floor<std::chrono::days>(row.created);
    DayDifference& first =
        differences_.first_days.try_emplace(row.amount.currency, DayDifference{.day = day})
            .first->second;
    if (day > first.day) return;
    if (day < first.day) first = DayDifference{.day = day};
    if ((first.*ids).size() < kMostNamed) (first.*ids).push_back(row.id);
  }

  Result<void> apply(const std::vector<const Row*>& rows, Time sent_at) {
    if (rows.empty()) return {};
    std::vector<mirror::Version> versions;
    for (const Row* row : rows) {
      versions.push_back({.organization = target_.organization,
                          .account = target_.account,
                          .object = row->text,
                          .shown_at = sent_at});
    }
    const auto applied = mirror::apply_all(with_.db, with_.appliers, versions);
    if (!applied) return applied.error();
    differences_.mended += static_cast<std::int64_t>(applied->created + applied->changed);
    return {};
  }

  // Removes only rows that Stripe itself says it does not have.
  Result<void> remove(const std::vector<std::string>& ids) {
    std::vector<std::string> gone;
    for (const std::string& id : ids) {
      const auto answer =
          with_.client.call(stripe::Request::get(stripe::v1_path({"balance_transactions", id}))
                                .on(target_.stripe_header));
      if (answer) continue;
      if (answer.error().kind != Kind::missing) return answer.error();
      gone.push_back(id);
    }
    if (gone.empty()) return {};
    const auto removed = with_.db.transact([&](pg::Tx& tx) -> Result<std::size_t> {
      return mirror::remove_balance_transactions(tx, target_.organization, target_.account, gone);
    });
    if (!removed) return removed.error();
    differences_.mended += static_cast<std::int64_t>(*removed);
    return {};
  }

  const Comparison& with_;
  const Target& target_;
  Time above_;
  Differences differences_;
};

}  // namespace

Result<Differences> compare_with_list(const Comparison& comparison, const Target& target,
                                      Time until) {
  Comparer comparer(comparison, target, until);
  stripe::Pages pages =
      comparison.client.list({.path = "/v1/balance_transactions",
                              .query = stripe::Form{}.add("created[lt]", to_unix(until)),
                              .account = target.stripe_header});
  // The oldest second of a page may go on in the next one, so its rows are compared with those.
  std::vector<Row> kept;
  Time sent_at{};
  for (const stripe::Page& page : pages) {
    if (comparison.stopping != nullptr && *comparison.stopping) {
      return Error{Kind::retry, "sync_stopped", "the comparison was stopped"};
    }
    sent_at = page.sent_at;
    for (const stripe::Item& item : page.items) {
      auto row = read(item);
      if (!row) return row.error();
      kept.push_back(*std::move(row));
    }
    if (kept.empty()) continue;
    const Time oldest = kept.back().created;
    const Time from = oldest + std::chrono::seconds(1);
    const auto whole_end = std::ranges::find(kept, oldest, &Row::created);
    const std::vector<Row> whole(std::make_move_iterator(kept.begin()),
                                 std::make_move_iterator(whole_end));
    kept.erase(kept.begin(), whole_end);
    if (auto compared = comparer.compare(whole, from, sent_at); !compared) return compared.error();
  }
  if (auto finished = pages.finished(); !finished) return finished.error();
  if (auto compared = comparer.compare(kept, from_unix(0), sent_at); !compared)
    return compared.error();
  return comparer.take();
}

}  // namespace payoutd::sync
