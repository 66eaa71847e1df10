#include "http/schema.h"

#include <algorithm>

namespace payoutd::http::schema {
namespace {

Json typed(const char* type, const char* about) { return {{"type", type}, {"description", about}}; }

Json formatted(const char* type, const char* format, const char* about) {
  return {{"type", type}, {"format", format}, {"description", about}};
}

Json content(Json schema, Json example) {
  return {{"application/json", {{"schema", std::move(schema)}, {"example", std::move(example)}}}};
}

}  // namespace

Json text(const char* about) { return typed("string", about); }
Json uuid(const char* about) { return formatted("string", "uuid", about); }
Json time(const char* about) { return formatted("string", "date-time", about); }
Json date(const char* about) { return formatted("string", "date", about); }
Json minor(const char* about) { return formatted("integer", "int64", about); }
Json flag(const char* about) { return typed("boolean", about); }

Json count(const char* about) {
  Json schema = formatted("integer", "int64", about);
  schema["minimum"] = 0;
  return schema;
}

Json word(const char* about, Names words) {
  Json schema = typed("string", about);
  schema["enum"] = Json::array();
  for (const char* one : words) schema["enum"].push_back(one);
  return schema;
}

Json or_null(Json schema) {
  schema["type"] = Json::array({schema["type"], "null"});
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  return schema;
}

Json array(Json items, const char* about) {
  Json schema = typed("array", about);
  schema["items"] = std::move(items);
  return schema;
}

Json object(Json fields, Names optional) {
  Json required = Json::array();
  for (const auto& [name, unused] : fields.items()) {
    if (std::ranges::find(optional, std::string_view(name)) == optional.end())
      required.push_back(name);
  }
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(fields)}};
}

Json map(Json values, const char* about) {
  Json schema = typed("object", about);
  schema["additionalProperties"] = std::move(values);
  return schema;
}

Json any_object(const char* about) { return map(true, about); }

Json page(Json items) {
  return object({{"data", array(std::move(items), "This page's rows.")},
                 {"has_more", flag("Whether there is a next page.")},
                 {"next_cursor", or_null(text("`cursor` of the next page."))},
                 {"total", count("All rows; with `include=total`.")}},
                {"total"});
}

Json answer(const char* about, Json schema, Json example) {
  return {{"description", about}, {"content", content(std::move(schema), std::move(example))}};
}

Json refusal(const char* about, const Error& example) {
  return answer(about, {{"$ref", "#/components/schemas/Error"}},
                Json::parse(error_reply(example, "req_1Kd9").body));
}

Json shared(const char* name) { return {{"$ref", std::string("#/components/responses/") + name}}; }

Json body(Json schema, Json example, bool required) {
  return {{"required", required}, {"content", content(std::move(schema), std::move(example))}};
}

Json query(const char* name, const char* about, Json schema) {
  return {{"name", name}, {"in", "query"}, {"description", about}, {"schema", std::move(schema)}};
}

void add_query(Json& parameters, Names spellings, const char* about, Json schema) {
  const char* const first = *spellings.begin();
  for (const char* name : spellings) {
    const std::string same = std::string("The same as ") + first + ".";
    parameters.push_back(query(name, name == first ? about : same.c_str(), schema));
  }
}

void add_dates(Json& parameters) {
  add_query(parameters, {"startDate", "from_date", "dateFrom"},
            "Created at or after; ISO 8601 or unix seconds.");
  add_query(parameters, {"endDate", "to_date", "dateTo"},
            "Created at or before; a date means its end.");
}

Json account_query(const char* about) { return query("account", about); }

}  // namespace payoutd::http::schema
