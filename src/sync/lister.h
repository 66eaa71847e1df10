// Reads Stripe's lists into the mirror: many cursors at once, each page stored in the transaction
// that moves its cursor, a few pages of different cursors to a transaction. Where requests could be
// sent and none waits, the largest range under way is cut in two.
//
// A reading has at most one page being stored and one fetched meanwhile, so memory is bounded by
// the number of lanes, whatever the lists' lengths.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mirror/apply.h"
#include "pg/database.h"
#include "stripe/client.h"
#include "sync/page_writer.h"
#include "sync/pass.h"

namespace payoutd::sync {

class Lister {
 public:
  struct Options {
    int writers = 2;         // threads that parse and store, each with a connection
    std::size_t lanes = 64;  // readings under way
    std::size_t pages_per_commit = 12;
    // So long a page waits for a database that is away or busy; then its reading ends where its
    // cursor stands, and the next run goes on from there.
    std::chrono::milliseconds patience = std::chrono::minutes(2);
  };
  // All three must outlive it.
  Lister(pg::Database& db, stripe::Client& client, const mirror::Appliers& appliers,
         Options options);
  ~Lister();  // stops
  Lister(const Lister&) = delete;
  Lister& operator=(const Lister&) = delete;

  // Begins to read it. Pages that are stored stay, whatever happens to the rest.
  void add(std::shared_ptr<Pass> pass);
  // Blocks until all its readings have ended.
  void wait(const std::shared_ptr<Pass>& pass);
  // Ends all readings that wait or are under way, with `sync_stopped`; stored pages stay.
  void stop();

  struct State {
    Counts counts{};            // of all passes since the start
    std::size_t under_way = 0;  // readings
    std::size_t waiting = 0;
    std::optional<std::int64_t>
        rows_left{};  // by density; nothing where a list's end is not in sight
  };
  State state() const;

 private:
  struct Reading;
  using ReadingPtr = std::shared_ptr<Reading>;
  struct Arrived;

  void start_waiting(std::vector<ReadingPtr>& to_send);
  void send(const ReadingPtr& reading);
  void write();
  std::vector<Arrived> take();
  void prepare(Arrived& arrived, std::vector<ReadingPtr>& to_send);
  static void move_down(Reading& reading, const ListPage& page);
  std::optional<Range> cut(Reading& reading, const ListPage& page);
  void store(std::vector<Arrived>& arrived);
  bool stopped() const;
  void finish(std::vector<Arrived>& arrived);
  void end(const ReadingPtr& reading, std::optional<Error> error);
  bool tolerate(Reading& reading, const stripe::Answer& answer, StoredPage& page);
  void note_asked(Pass& pass, Time sent_at);

  pg::Database& db_;
  stripe::Client& client_;
  const mirror::Appliers& appliers_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable over_;
  std::deque<ReadingPtr> waiting_;
  std::deque<ReadingPtr> ready_;
  std::set<ReadingPtr> under_way_;
  std::size_t in_flight_ = 0;  // calls whose callback has not run
  Counts counts_;
  bool stopping_ = false;
  std::vector<std::thread> writers_;
};

}  // namespace payoutd::sync
