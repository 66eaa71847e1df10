// How the objects of events must look to be read as they stand. An object of another type, of an
// API version that wrote it otherwise, or a stub says too little, or something else than its names
// seem to say: it is fetched instead.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace payoutd::mirror {

struct ObjectShape {
  std::string_view type;  // its "object"
  // The first API version that writes it as it is read here, by its date; empty: every one does.
  // A version that is not known yet is read if the fields are there.
  std::string_view since;
  // What every such object has, if only as null. Without one of them nothing is read: a field that
  // is absent says nothing, and would clear what is known.
  std::span<const std::string_view> fields;
};

struct Misfit {
  std::string reason;
  std::string object_id;  // empty where the object has none
};

// Why the object of an event of `api_version` can't be read as it stands; nothing if it can.
std::optional<Misfit> misfit(const ObjectShape& shape, std::string_view api_version,
                             std::string_view object);

namespace shapes {
extern const ObjectShape kAccount, kApplication, kApplicationFee, kCharge, kCustomer,
    kDeletedCustomer, kDispute, kFeeRefund, kPaymentIntent, kPayout, kRefund, kSubscription,
    kTransfer;
}  // namespace shapes

}  // namespace payoutd::mirror
