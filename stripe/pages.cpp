#include "stripe/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "stripe/document.h"

namespace payoutd::stripe {
namespace {

Error malformed(std::string_view why, const Response& response) {
  return Error{Kind::upstream, "stripe_list_malformed",
               fmt::format("Stripe's list {} ({})", why, response.request_id)};
}

// An answer in flight. Its ticket is shared with the thread that may cancel it.
class Fetch {
 public:
  Fetch(Client& client, Request request) : client_(client) {
    std::promise<Answer> promise;
    answer_ = promise.get_future();
    ticket_ =
        client.submit(std::move(request), [promise = std::move(promise)](Answer answer) mutable {
          promise.set_value(std::move(answer));
        });
  }
  ~Fetch() {
    if (answer_.valid()) client_.cancel(ticket_);
  }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  Client::Ticket ticket() const { return ticket_; }
  Answer get() { return answer_.get(); }

 private:
  Client& client_;
  Client::Ticket ticket_ = 0;
  std::future<Answer> answer_;
};

// Reads pages: both parsers keep their memory from page to page.
class Reader {
 public:
  // Replaces the page. The items' views end when the next one is read.
  Result<void> read(Response response, Direction direction, Page& page);

 private:
  Result<void> read_items(simdjson::dom::array data, Page& page) const;
  Result<void> read_slices(Page& page);

  Response response_;
  simdjson::dom::parser parser_;
  simdjson::ondemand::parser slicer_;
};

Result<void> Reader::read(Response response, Direction direction, Page& page) {
  response_ = std::move(response);
  response_.body.reserve(response_.body.size() + kPadding);
  page.text = response_.body;
  page.sent_at = response_.sent_at;
  page.request_id = response_.request_id;
  page.items.clear();
  const auto root = parse(parser_, response_.body);
  simdjson::dom::object list;
  simdjson::dom::array data;
  if (!root || root->get(list) != simdjson::SUCCESS ||
      list["data"].get(data) != simdjson::SUCCESS ||
      list["has_more"].get(page.has_more) != simdjson::SUCCESS) {
    return malformed("has no data and has_more", response_);
  }
  if (auto read = read_items(data, page); !read) return read;
  if (auto read = read_slices(page); !read) return read;
  if (page.items.empty()) {
    if (page.has_more) return malformed("has more and shows none of it", response_);
    return {};
  }
  if (direction == Direction::oldest_first) std::ranges::reverse(page.items);
  page.next = page.items.back().id;
  return {};
}

Result<void> Reader::read_items(simdjson::dom::array data, Page& page) const {
  for (const simdjson::dom::element element : data) {
    Item item;
    if (element.get(item.object) != simdjson::SUCCESS)
      return malformed("has an item that is no object", response_);
    item.id = text_at(item.object, "id");
    if (item.id.empty()) return malformed("has an item without id", response_);
    page.items.push_back(item);
  }
  return {};
}

// The DOM does not tell where an element stood; a second, lazy pass over the same bytes does.
Result<void> Reader::read_slices(Page& page) {
  namespace od = simdjson::ondemand;
  od::document document;
  od::array data;
  std::size_t count = 0;
  const simdjson::padded_string_view text(response_.body.data(), response_.body.size(),
                                          response_.body.capacity());
  if (slicer_.iterate(text).get(document) != simdjson::SUCCESS ||
      document["data"].get_array().get(data) != simdjson::SUCCESS) {
    return malformed("cannot be cut into items", response_);
  }
  for (auto value : data) {
    od::object object;
    if (count == page.items.size() || value.get_object().get(object) != simdjson::SUCCESS ||
        object.raw_json().get(page.items[count].raw) != simdjson::SUCCESS) {
      return malformed("cannot be cut into items", response_);
    }
    ++count;
  }
  if (count != page.items.size()) return malformed("names its data twice", response_);
  return {};
}

}  // namespace

struct Pages::State {
  State(Client& of, Listing what) : client(of), listing(std::move(what)), cursor(listing.from) {}

  Request request() const {
    Form query = listing.query;
    query.add("limit", listing.limit);
    if (!cursor.empty()) {
      query.add(listing.direction == Direction::newest_first ? "starting_after" : "ending_before",
                cursor);
    }
    return Request::get(listing.path, query)
        .on(listing.account)
        .with(listing.priority)
        .with(listing.retries);
  }
  void fetch();
  Result<const Page*> advance();

  Client& client;
  const Listing listing;
  std::string cursor;  // of the request that comes next
  std::unique_ptr<Fetch> coming;
  std::atomic<Client::Ticket> ticket{0};
  std::atomic<bool> canceled{false};
  Reader reader;
  Page page;
  std::optional<Error> error;
  bool over = false;
};

void Pages::State::fetch() {
  coming = std::make_unique<Fetch>(client, request());
  ticket = coming->ticket();
  if (canceled) client.cancel(ticket);  // it came between
}

Result<const Page*> Pages::State::advance() {
  if (!coming) fetch();
  Answer answer = coming->get();
  coming.reset();
  if (!answer.ok()) return std::move(answer.error);
  const std::string before = cursor;
  if (auto read = reader.read(std::move(answer.response), listing.direction, page); !read) {
    return read.error();
  }
  if (page.items.empty()) page.next = before;
  over = !page.has_more;
  if (over) return &page;
  cursor = page.next;
  if (cursor == before)
    return Error{Kind::upstream, "stripe_list_malformed", "Stripe's list does not move on"};
  if (listing.prefetch) fetch();
  return &page;
}

Pages::Pages(Client& client, Listing listing) {
  CHECK(listing.limit >= 1 && listing.limit <= 100);
  CHECK(listing.direction == Direction::newest_first || !listing.from.empty());
  state_ = std::make_unique<State>(client, std::move(listing));
}
Pages::~Pages() = default;
Pages::Pages(Pages&&) noexcept = default;

Result<const Page*> Pages::next() {
  State& state = *state_;
  if (state.error) return *state.error;
  if (state.over) return static_cast<const Page*>(nullptr);
  auto page = state.advance();
  if (!page) state.error = page.error();
  return page;
}

Result<void> Pages::finished() const {
  if (state_->error) return *state_->error;
  if (!state_->over)
    return Error{Kind::retry, "stripe_list_unfinished", "the list was not read to its end"};
  return {};
}

void Pages::cancel() {
  state_->canceled = true;
  state_->client.cancel(state_->ticket);
}

Pages::Iterator& Pages::Iterator::operator++() {
  const auto page = pages_->next();
  page_ = page ? *page : nullptr;
  return *this;
}

}  // namespace payoutd::stripe
