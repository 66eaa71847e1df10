#include "mirror/rate_budget_store.h"

namespace payoutd::mirror::rate_budget_store {

namespace {

// clock_timestamp() and not now(): the row may have been waited for. `next_free` further ahead than
// $4 was written by a clock that was wrong, or by another server's: it would stop all calls.
const pg::Query kLease{"rate_budget_lease", R"sql(
  INSERT INTO rate_budget AS b (name, next_free)
  VALUES ($1, clock_timestamp() + ($2::bigint + $3::bigint) * interval '1 microsecond')
  ON CONFLICT (name) DO UPDATE
     SET next_free = greatest(least(b.next_free,
                                    clock_timestamp() + $4::bigint * interval '1 microsecond'),
                              clock_timestamp() + $3::bigint * interval '1 microsecond')
                     + $2::bigint * interval '1 microsecond'
  RETURNING (extract(epoch FROM next_free - clock_timestamp()) * 1000000)::bigint AS ends)sql",
                       pg::Tenancy::global};

}  // namespace

std::chrono::microseconds lease(pg::Tx& tx, std::string_view name, std::chrono::microseconds length,
                                std::chrono::microseconds pause) {
  // A lease that a crash of the server forgets was used long ago.
  tx.exec_unnamed("SET LOCAL synchronous_commit = off");
  const auto row =
      tx.exec(kLease, name, length.count(), pause.count(), (kMostBlocksAhead * length).count())
          .one();
  return std::chrono::microseconds{row.get<std::int64_t>("ends")} - length;
}

}  // namespace payoutd::mirror::rate_budget_store
