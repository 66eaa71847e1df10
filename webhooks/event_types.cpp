#include "webhooks/event_types.h"

#include <simdjson.h>

#include "base/log.h"

namespace payoutd::webhooks {
namespace {

// Fills in the event's object.
Result<void> find_object(StoredEvent& event) {
  thread_local simdjson::ondemand::parser parser;
  const Error invalid{Kind::invalid, "event_invalid", "the event has no data.object"};
  event.body.reserve(event.body.size() + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::document document;
  if (parser.iterate(event.body).get(document) != simdjson::SUCCESS) return invalid;
  simdjson::ondemand::object object;
  if (document["data"]["object"].get_object().get(object) != simdjson::SUCCESS) return invalid;
  if (object.raw_json().get(event.object) != simdjson::SUCCESS) return invalid;
  return {};
}

}  // namespace

Result<void> read_event(StoredEvent& event, Work& work) {
  const EventType* type = find_event_type(event.type);
  // Stored by a version of the program that knew the type.
  if (type == nullptr) return {};
  if (type->calls == mirror::Calls::to_ask_for_account) {
    work.connected.push_back(event.account);
    return {};
  }
  if (auto found = find_object(event); !found) return found;
  const mirror::Version version{.organization = event.organization,
                                .account = event.account,
                                .object = event.object,
                                .shown_at = event.created,
                                .source = mirror::Source::event,
                                .event_id = event.id,
                                .event_type = event.type};
  const auto why = mirror::misfit(type->shape, event.api_version, event.object);
  if (!why) {
    work.versions.push_back(version);
    return {};
  }
  auto refetch = mirror::fetch_instead(*type, *why, version);
  if (!refetch) return refetch.error();
  refetch->event = mirror::WaitingEvent{event.id, event.created, why->reason};
  log::debug("an event's object can't be read as it stands; it is fetched",
             {{"event", event.id}, {"why", why->reason}});
  work.refetch.push_back(*std::move(refetch));
  return {};
}

}  // namespace payoutd::webhooks
