// Who has waited too long. Each kind of waiting takes the same time for everybody, so each is a
// list in the order of its ends: setting, clearing and finding the first cost the same for one
// connection as for ten thousand.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "http/limits.h"

namespace payoutd::http {

using Moment = std::chrono::steady_clock::time_point;

class Deadlines {
 public:
  enum class Kind : std::uint8_t { idle, request, write, linger };

  struct Entry {
    Moment at;
    std::uint32_t slot;
  };
  // Where a connection stands in the lists; kept by the connection.
  struct Mark {
    std::optional<Kind> kind;
    std::list<Entry>::iterator place;
  };

  explicit Deadlines(const Limits& limits)
      : waits_{std::chrono::milliseconds(limits.idle_ms),
               std::chrono::milliseconds(limits.request_ms),
               std::chrono::milliseconds(limits.write_ms),
               std::chrono::milliseconds(limits.linger_ms)} {}

  void set(Mark& mark, Kind kind, std::uint32_t slot, Moment now) {
    auto& list = lists_[static_cast<std::size_t>(kind)];
    const Moment at = now + waits_[static_cast<std::size_t>(kind)];
    if (mark.kind) {
      list.splice(list.end(), lists_[static_cast<std::size_t>(*mark.kind)], mark.place);
      *mark.place = {at, slot};
    } else {
      mark.place = list.insert(list.end(), Entry{at, slot});
    }
    mark.kind = kind;
  }

  void clear(Mark& mark) {
    if (mark.kind) lists_[static_cast<std::size_t>(*mark.kind)].erase(mark.place);
    mark.kind.reset();
  }

  // The slot of one that is over, or nothing. The caller sets or clears its mark.
  std::optional<std::uint32_t> over(Moment now) const {
    for (const auto& list : lists_) {
      if (!list.empty() && list.front().at <= now) return list.front().slot;
    }
    return std::nullopt;
  }

  std::optional<Moment> first() const {
    std::optional<Moment> first;
    for (const auto& list : lists_) {
      if (!list.empty() && (!first || list.front().at < *first)) first = list.front().at;
    }
    return first;
  }

 private:
  std::array<std::chrono::milliseconds, 4> waits_;
  std::array<std::list<Entry>, 4> lists_;
};

}  // namespace payoutd::http
