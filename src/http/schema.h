// The pieces that routes' Docs are made of: JSON Schemas of the types this API answers with, and
// the OpenAPI objects around them. A test holds each against what the program answers, so that a
// field that is missing here fails.
#pragma once

#include <initializer_list>
#include <string>

#include "base/json.h"
#include "http/message.h"

namespace payoutd::http::schema {

using Names = std::initializer_list<const char*>;

Json text(const char* about);
Json word(const char* about, Names words);  // one of these
Json uuid(const char* about);
Json time(const char* about);   // ISO 8601 in UTC
Json date(const char* about);   // a day
Json minor(const char* about);  // signed minor units of the currency beside it
Json count(const char* about);
Json flag(const char* about);

Json or_null(Json schema);
Json array(Json items, const char* about);
// An object with these fields and no others; each is always there but the optional ones.
Json object(Json fields, Names optional = {});
Json map(Json values, const char* about);  // of whatever names
Json any_object(const char* about);        // whose fields somebody else decides
Json page(Json items);                     // {"data", "has_more", "next_cursor", "total"?}

// Response Objects. A refusal's answer is the error of every route.
Json answer(const char* about, Json schema, Json example);
Json refusal(const char* about, const Error& example);
// One of the document's shared answers: "NotFound", "InUse", "Upstream", …
Json shared(const char* name);

Json body(Json schema, Json example, bool required = true);  // Request Body Object

// Parameter Objects.
Json query(const char* name, const char* about, Json schema = {{"type", "string"}});
// Adds a parameter under every spelling that is taken; the first is the one that messages use.
void add_query(Json& parameters, Names spellings, const char* about,
               Json schema = {{"type", "string"}});
void add_dates(Json& parameters);  // startDate and endDate
Json account_query(
    const char* about = "acct_… of the caller's organization; all of its accounts without it");

}  // namespace payoutd::http::schema
