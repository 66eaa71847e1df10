#include "payouts/status.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"

namespace payoutd::payouts {

namespace {

constexpr std::pair<std::string_view, Status> kSynonyms[] = {{"scheduled", Status::pending},
                                                             {"sent", Status::in_transit},
                                                             {"settled", Status::paid},
                                                             {"cancelled", Status::canceled}};

}  // namespace

std::string_view word_of(Status status) {
  switch (status) {
    case Status::pending: return "pending";
    case Status::approved: return "approved";
    case Status::queued: return "queued";
    case Status::processing: return "processing";
    case Status::in_transit: return "in_transit";
    case Status::paid: return "paid";
    case Status::failed: return "failed";
    case Status::canceled: return "canceled";
  }
  CHECK(false);
}

std::optional<Status> status_of(std::string_view word) {
  const auto* found =
      std::ranges::find_if(kAllStatuses, [&](Status one) { return word_of(one) == word; });
  return found == kAllStatuses.end() ? std::nullopt : std::optional(*found);
}

std::optional<Status> parse_status(std::string_view text) {
  const std::string word = lower(text);
  for (const auto& [synonym, status] : kSynonyms) {
    if (word == synonym) return status;
  }
  return status_of(word);
}

std::vector<std::string_view> Statuses::words() const {
  std::vector<std::string_view> all;
  for (const Status one : kAllStatuses) {
    if (contains(one)) all.push_back(word_of(one));
  }
  return all;
}

}  // namespace payoutd::payouts
