#include "stripe/sim/world/events.h"

#include <algorithm>
#include <array>

namespace payoutd::sim {
namespace {

bool carries_previous(std::string_view type) {
  static constexpr std::array kAlso = {std::string_view("charge.refunded"),
                                       std::string_view("transfer.reversed"),
                                       std::string_view("application_fee.refunded")};
  return type.ends_with(".updated") || std::ranges::find(kAlso, type) != kAlso.end();
}

struct Snapshot {
  std::string_view type;
  const std::string& object_text;
  const std::string& previous_text;
};

void record(World& world, Account& account, const Snapshot& snapshot) {
  std::string id = world.id("evt", account);
  if (world.now < world.history_until - kEventHorizon) return;
  Event& event = world.store.add_event(account, std::move(id), world.now);
  event.type = snapshot.type;
  if (account.connected()) event.account = account.id;
  event.object_text = snapshot.object_text;
  event.previous_text = snapshot.previous_text;
  event.request_id = world.cause.request_id;
  event.idempotency_key = world.cause.idempotency_key;
  event.livemode = world.livemode;
  if (world.publish)
    event.pending_webhooks = world.publish({.id = event.id,
                                            .type = event.type,
                                            .account = account.id,
                                            .platform = account.platform,
                                            .livemode = world.livemode});
}

void happen(World& world, Account& account, const Snapshot& snapshot) {
  record(world, account, snapshot);
  if (world.twin && world.twin(snapshot.type)) record(world, account, snapshot);
}

}  // namespace

void emit(World& world, const Document& object, std::string_view type) {
  happen(world, *world.store.account(object.account), {type, object.text, {}});
}

void emit_object(World& world, Account& account, std::string_view type, const OrderedJson& object) {
  happen(world, account, {type, dump(object), {}});
}

OrderedJson previous_attributes(const OrderedJson& before, const OrderedJson& after) {
  OrderedJson out;
  for (const auto& [key, was] : before.items()) {
    const auto is = after.find(key);
    if (is == after.end()) {
      out[key] = was;
    } else if (was.is_object() && is->is_object()) {
      auto inner = previous_attributes(was, *is);
      if (!inner.is_null()) out[key] = std::move(inner);
    } else if (was != *is) {
      out[key] = was;
    }
  }
  for (const auto& [key, is] : after.items())
    if (!before.contains(key)) out[key] = nullptr;
  return out;
}

void Edit::save() { world_.store.save(document_); }

void Edit::emit(std::string_view type) {
  save();
  auto previous =
      carries_previous(type) ? previous_attributes(before_, document_.json) : OrderedJson();
  happen(world_, *world_.store.account(document_.account),
         {type, document_.text, previous.is_null() ? std::string() : dump(previous)});
}

bool Edit::emit_if_changed(std::string_view type) {
  if (before_ == document_.json) return false;
  emit(type);
  return true;
}

void keep_events_bounded(World& world) {
  world.store.forget_events_before(world.now - kEventHorizon - kDay);
  world.at(next_midnight(world.now), keep_events_bounded);
}

}  // namespace payoutd::sim
