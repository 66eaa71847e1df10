// A list of Stripe's as a range over all its pages:
//
//   Pages pages = client.list({.path = "/v1/payouts", .query = Form{}.add("created[gte]", since)});
//   for (const Page& page : pages) store(page.items);
//   if (!pages.finished()) return pages.finished();   // the range ended early
//
// One page is held, and the next is fetched meanwhile: memory stays flat whatever the list's
// length. A cursor is sequential; who wants more in flight lists several `created` ranges or
// accounts at once. Source: docs.stripe.com/api/pagination.
#pragma once

#include <simdjson.h>

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stripe/client.h"

namespace payoutd::stripe {

enum class Direction {
  newest_first,  // Stripe's order, by starting_after
  oldest_first,  // what is newer than a known object, by ending_before: each page is turned around
};

struct Listing {
  std::string path;  // "/v1/balance_transactions"
  Form query{};      // filters, repeated on every page; without limit and cursors
  std::string account{};
  Priority priority = Priority::sync;
  Direction direction = Direction::newest_first;
  std::string from{};  // Page::next of the last page that was stored; required for oldest_first
  int limit = 100;     // 1 to 100
  bool prefetch = true;
  Retries retries = Retries::reading();
};

struct Item {
  std::string_view id;
  std::string_view raw;  // the object's own bytes in the page
  simdjson::dom::object object;
};

// Valid until the next page is asked for.
struct Page {
  std::string_view text;    // the whole answer
  std::vector<Item> items;  // in the listing's direction
  bool has_more = false;
  std::string next;  // resumes after this page; empty where an empty page was the first
  Time sent_at{};    // see Response
  std::string_view request_id;
};

class Pages {
 public:
  Pages(Client& client, Listing listing);
  ~Pages();
  Pages(Pages&&) noexcept;
  Pages& operator=(Pages&&) = delete;

  // The next page, or null after the last. Errors: as Client::call, or upstream
  // `stripe_list_malformed`. After an error it stays there.
  Result<const Page*> next();
  // Whether every page was read; the error that ended the range otherwise.
  Result<void> finished() const;
  // Wakes a thread that waits in next(); it then gets `stripe_call_canceled`.
  void cancel();

  class Iterator {
   public:
    using value_type = Page;
    using difference_type = std::ptrdiff_t;
    const Page& operator*() const { return *page_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.page_ == nullptr;
    }

   private:
    friend class Pages;
    explicit Iterator(Pages* pages) : pages_(pages) { ++*this; }
    Pages* pages_;
    const Page* page_ = nullptr;
  };
  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace payoutd::stripe
