#include "stripe/sim/wire/idempotency.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "base/check.h"

namespace payoutd::sim {
namespace {

// Lengths first, so that no two triples give the same text.
std::string entry_id(const IdempotencyStore::Scope& scope, std::string_view key) {
  return fmt::format("{}:{}:{}:{}", scope.livemode ? "live" : "test", scope.account.size(),
                     scope.account, key);
}

}  // namespace

std::string fingerprint(std::string_view method, std::string_view path, const Json& params) {
  const std::string text = fmt::format("{} {}\n{}", method, path, dump(params));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
  return {reinterpret_cast<const char*>(digest.data()), length};
}

std::string key_in_use_message(std::string_view key) {
  return fmt::format(
      "There is currently another in-progress request using this Idempotent Key (that probably "
      "means "
      "you submitted twice, and the other request is still going through): {}. Please try again "
      "later.",
      key);
}

std::string key_mismatch_message(std::string_view key) {
  return fmt::format(
      "Keys for idempotent requests can only be used with the same parameters they were first used "
      "with. Try using a key other than '{}' if you meant to execute a different request.",
      key);
}

IdempotencyStore::Ticket::Ticket(Ticket&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), id_(std::move(other.id_)) {}

IdempotencyStore::Ticket& IdempotencyStore::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    abandon();
    store_ = std::exchange(other.store_, nullptr);
    id_ = std::move(other.id_);
  }
  return *this;
}

IdempotencyStore::Ticket::~Ticket() { abandon(); }

void IdempotencyStore::Ticket::finish(StoredReply reply) {
  if (IdempotencyStore* store = std::exchange(store_, nullptr))
    store->finish(id_, std::move(reply));
}

void IdempotencyStore::Ticket::abandon() {
  if (IdempotencyStore* store = std::exchange(store_, nullptr)) store->abandon(id_);
}

IdempotencyStore::Begun IdempotencyStore::begin(const Scope& scope, std::string_view key,
                                                std::string_view fingerprint, Time now) {
  CHECK(!key.empty() && key.size() <= kMaxIdempotencyKeyBytes);
  std::string id = entry_id(scope, key);
  const std::lock_guard lock(mutex_);
  forget_old(now);
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    entries_.emplace(id, Entry{std::string(fingerprint), now, ++serial_, false, {}});
    return Fresh{Ticket{this, std::move(id)}};
  }
  const Entry& entry = found->second;
  if (entry.fingerprint != fingerprint) return Mismatch{};
  if (!entry.finished) return InFlight{};
  return Replay{entry.reply};
}

void IdempotencyStore::finish(const std::string& id, StoredReply reply) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  CHECK(found != entries_.end() && !found->second.finished);
  Entry& entry = found->second;
  bytes_ += id.size() + reply.body.size();
  entry.reply = std::move(reply);
  entry.finished = true;
  finished_.emplace(entry.serial, id);
}

void IdempotencyStore::abandon(const std::string& id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

// Only finished entries are forgotten: a running request keeps its key however old it is.
void IdempotencyStore::forget_old(Time now) {
  while (!finished_.empty()) {
    const auto oldest = finished_.begin();
    const auto found = entries_.find(oldest->second);
    CHECK(found != entries_.end());
    if (now - found->second.began < options_.retention && bytes_ <= options_.max_bytes) return;
    bytes_ -= found->first.size() + found->second.reply.body.size();
    entries_.erase(found);
    finished_.erase(oldest);
  }
}

std::size_t IdempotencyStore::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace payoutd::sim
