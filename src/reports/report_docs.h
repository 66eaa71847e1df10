// The pieces that the reports' Docs are made of. The examples in them are made by the code that
// makes the answers, from these figures.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "http/router.h"
#include "http/schema.h"
#include "reports/movements_store.h"
#include "reports/report_query.h"

namespace payoutd::reports {

// An object's schema; every field that is named is required, but the optional ones.
class Schema {
 public:
  Schema& field(const std::string& name, Json schema, const char* about = nullptr) {
    if (about != nullptr) schema["description"] = about;
    properties_[name] = std::move(schema);
    required_.push_back(name);
    return *this;
  }
  Schema& text(const std::string& name, const char* about) {
    return field(name, http::schema::text(about));
  }
  Schema& text_or_null(const std::string& name, const char* about) {
    return field(name, http::schema::or_null(http::schema::text(about)));
  }
  Schema& time(const std::string& name, const char* about) {
    return field(name, http::schema::time(about));
  }
  Schema& time_or_null(const std::string& name, const char* about) {
    return field(name, http::schema::or_null(http::schema::time(about)));
  }
  Schema& flag(const std::string& name, const char* about) {
    return field(name, http::schema::flag(about));
  }
  Schema& count(const std::string& name, const char* about) {
    return field(name, http::schema::minor(about));
  }
  Schema& optional_count(const std::string& name, const char* about) {
    count(name, about);
    required_.erase(required_.size() - 1);
    return *this;
  }
  Schema& money(const std::string& name, const char* about) {
    count(name, about);
    return text(name + "_decimal", "The same in major units.");
  }
  Schema& money_or_null(const std::string& name, const char* about) {
    field(name, http::schema::or_null(http::schema::minor(about)));
    return text_or_null(name + "_decimal", "The same in major units.");
  }
  Schema& list(const std::string& name, Json items, const char* about) {
    return field(name, http::schema::array(std::move(items), about));
  }
  Json json() const {
    return {{"type", "object"}, {"required", required_}, {"properties", properties_}};
  }

 private:
  Json properties_ = Json::object(), required_ = Json::array();
};

// The fields of heading().
Schema headed();
Json category_schema();

http::Docs docs_of(const char* summary, Grouped grouped, const Schema& schema,
                   const OrderedJson& example);

ReportQuery example_query();
Scope example_scope();
std::vector<Movement> example_movements();

}  // namespace payoutd::reports
