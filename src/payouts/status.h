// Where a payout stands, in eight words.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace payoutd::payouts {

enum class Status : std::uint8_t {
  pending,
  approved,
  queued,
  processing,
  in_transit,
  paid,
  failed,
  canceled,
};

inline constexpr std::array kAllStatuses{Status::pending,    Status::approved,   Status::queued,
                                         Status::processing, Status::in_transit, Status::paid,
                                         Status::failed,     Status::canceled};

// The word in columns and answers: "in_transit".
std::string_view word_of(Status status);
std::optional<Status> status_of(std::string_view word);
// Reads a caller's word in any case, and `settled` for paid, `sent` for in_transit, `scheduled` for
// pending, `cancelled` for canceled.
std::optional<Status> parse_status(std::string_view text);

// A set of them.
class Statuses {
 public:
  constexpr Statuses(std::initializer_list<Status> all) {
    for (const Status one : all) bits_ |= bit(one);
  }
  constexpr bool contains(Status status) const { return (bits_ & bit(status)) != 0; }
  std::vector<std::string_view> words() const;

 private:
  static constexpr unsigned bit(Status status) { return 1U << static_cast<unsigned>(status); }
  unsigned bits_ = 0;
};

// The text of the status column. Stripe may give one of its own payouts a word that this program
// does not know: the word is kept and shown, and equals none of the eight.
struct StatusWord {
  std::string text;

  StatusWord() = default;
  StatusWord(Status status) : text(word_of(status)) {}
  explicit StatusWord(std::string word) : text(std::move(word)) {}

  std::optional<Status> known() const { return status_of(text); }
  friend bool operator==(const StatusWord&, const StatusWord&) = default;
  friend bool operator==(const StatusWord& a, Status b) { return a.text == word_of(b); }
};

}  // namespace payoutd::payouts
