// Pages of Stripe's v1 lists: newest first, cursors both ways, `created` ranges, filters.
#pragma once

#include <algorithm>
#include <string>

#include "stripe/sim/api/endpoint.h"

namespace payoutd::sim {

// So many elements of a list are shown inside the object that has it; the rest has its own path.
inline constexpr std::size_t kEmbedded = 10;

struct ListRequest {
  std::size_t limit = 10;
  std::string after{}, before{};  // ids; at most one is set
  Range created{};
  std::string url{};
};

// Errors: a limit outside 1 to 100, both cursors at once.
Try<ListRequest> read_list(const Ask& ask);
Refused no_such_cursor(const ListRequest& request);

// The series in order of time, cut to a range by binary search; `keep` filters what is left.
template <class T, class Keep>
class Pager {
 public:
  Pager(const Series<T>& series, ListRequest request, Keep keep)
      : series_(series), request_(std::move(request)), keep_(std::move(keep)) {}

  // `cursor` is the record that the request's cursor names, or nothing.
  Try<Page> page(const T* cursor) {
    const bool wants_cursor = !request_.after.empty() || !request_.before.empty();
    std::size_t low = first_at(request_.created.low);
    std::size_t high =
        request_.created.high == kNever ? series_.size() : first_at(request_.created.high + 1);
    if (wants_cursor) {
      const auto at = cursor ? index_of(cursor) : series_.size();
      if (at == series_.size()) return no_such_cursor(request_);
      if (!request_.after.empty()) high = std::min(high, at);
      if (!request_.before.empty()) low = std::max(low, at + 1);
    }
    return request_.before.empty() ? newest_first(low, high) : upwards(low, high);
  }

 private:
  bool shown(const T* record) const { return record->listed && keep_(*record); }

  Page newest_first(std::size_t low, std::size_t high) const {
    Page page{.url = request_.url};
    page.data.reserve(request_.limit);
    while (high > low && !page.has_more) {
      const T* record = series_[--high];
      if (!shown(record)) continue;
      if (page.data.size() == request_.limit) page.has_more = true;
      else page.data.push_back(record);
    }
    return page;
  }

  // The page just above the cursor, and has_more tells of what is newer still.
  Page upwards(std::size_t low, std::size_t high) const {
    Page page{.url = request_.url};
    for (; low < high && !page.has_more; ++low) {
      if (!shown(series_[low])) continue;
      if (page.data.size() == request_.limit) page.has_more = true;
      else page.data.push_back(series_[low]);
    }
    std::ranges::reverse(page.data);
    return page;
  }

  std::size_t first_at(std::int64_t created) const {
    const auto it =
        std::ranges::lower_bound(series_, created, {}, [](const T* r) { return r->created; });
    return static_cast<std::size_t>(it - series_.begin());
  }

  std::size_t index_of(const T* cursor) const {
    const auto key = [](const T* r) { return std::pair(r->created, r->sequence); };
    const auto it = std::ranges::lower_bound(series_, key(cursor), {}, key);
    if (it == series_.end() || *it != cursor) return series_.size();
    return static_cast<std::size_t>(it - series_.begin());
  }

  const Series<T>& series_;
  ListRequest request_;
  Keep keep_;
};

// A list of one kind of document of the account.
template <class Keep>
Try<Shown> list_documents(const Ask& ask, const Series<Document>& series, Keep keep) {
  auto request = read_list(ask);
  if (!request) return Refused(request.error());
  const auto& id = request->after.empty() ? request->before : request->after;
  const Document* cursor = id.empty() ? nullptr : ask.world.store.find(id);
  auto page = Pager(series, *request, std::move(keep)).page(cursor);
  if (!page) return Refused(page.error());
  return Shown(std::move(*page));
}

const Series<Document>& series_of(const Ask& ask, std::string_view kind);

template <class Keep>
Try<Shown> list_kind(const Ask& ask, std::string_view kind, Keep keep) {
  return list_documents(ask, series_of(ask, kind), std::move(keep));
}

// Whether `document`'s field is what the parameter of that name asks for, if it was given.
bool matches(const Ask& ask, const Document& document, const char* field);

}  // namespace payoutd::sim
