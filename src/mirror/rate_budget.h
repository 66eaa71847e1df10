// The rate budget that all instances share: a row in PostgreSQL says when the next request may
// leave, and each instance takes blocks of slots from it, in the background and a little ahead, so
// that asking never blocks. Slots are one interval apart over all instances together, and one that
// was not used a tenth of a second after its time is lost: so no second, wherever it begins, sees
// much more than the rate.
//
// A block is a twentieth of a second's worth. Within an instance money goes first; behind another
// instance's sync it waits for at most that instance's block.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/log.h"
#include "pg/database.h"
#include "stripe/budget.h"

namespace payoutd::mirror {

class SharedBudget final : public stripe::Budget {
 public:
  // `db` must outlive it. While the database is away nothing is granted; while it takes no writes
  // (pg::Busy::lasts) all are refused, with the code of pg::outage_of.
  SharedBudget(pg::Database& db, stripe::Rates rates);
  ~SharedBudget() override;
  SharedBudget(const SharedBudget&) = delete;
  SharedBudget& operator=(const SharedBudget&) = delete;

  stripe::Wait take(const stripe::Ask& ask, stripe::Instant now) override;
  void limited(const stripe::Ask& ask, std::string_view reason, stripe::Instant now) override;

 private:
  // What is left of the blocks taken for one name.
  struct Line {
    double rate = 1;
    std::deque<stripe::Instant> slots;
    bool wanted = false;                 // ask for another block
    std::chrono::microseconds pause{0};  // Stripe said there were too many: begin so much later
  };

  Line& line_of(std::string_view route);
  std::chrono::nanoseconds wait(Line& line, stripe::Instant now);
  void run();
  bool lease();  // false: not now
  void lease_wanted();

  pg::Database& db_;
  const stripe::Rates rates_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Line, std::less<>> lines_;  // by route; "": all requests
  std::optional<Error> refused_;                    // by the last try
  bool wanted_ = false;
  bool stopping_ = false;
  log::Repeated failing_;
  std::thread thread_;
};

}  // namespace payoutd::mirror
