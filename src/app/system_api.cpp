#include "app/system_api.h"

#include "app/docs_page.h"

namespace payoutd::app {
namespace {

http::Route get(std::string pattern, std::string summary, http::Handler handler) {
  http::Route route;
  route.method = "GET";
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  route.docs.summary = std::move(summary);
  route.docs.tag = "system";
  return route;
}

Json answer(const char* description, const char* type, const Json& schema, const Json& example) {
  Json content{{"schema", schema}};
  if (!example.is_null()) content["example"] = example;
  return Json{{"description", description}, {"content", {{type, content}}}};
}

Json status_schema() {
  return Json{{"type", "object"}, {"properties", {{"status", {{"type", "string"}}}}}};
}

http::Reply ready(const SystemParts& parts, const http::Request& request) {
  if (!parts.db.alive()) {
    return http::error_reply(
        Error{Kind::retry, "database_unavailable", "the database does not answer"}, request.request_id);
  }
  if (const auto migrated = parts.migrated(); !migrated) {
    return http::error_reply(Error{Kind::retry, migrated.error().code, migrated.error().message},
                             request.request_id);
  }
  return http::Reply::json(200, OrderedJson{{"status", "ready"}});
}

http::Route healthz() {
  auto route = get("/healthz", "The process is alive.", [](http::Context&) {
    return http::Reply::json(200, OrderedJson{{"status", "ok"}});
  });
  route.docs.responses["200"] =
      answer("alive", "application/json", status_schema(), Json{{"status", "ok"}});
  // Answers also while every worker is busy.
  route.runs = http::Runs::on_loop;
  return route;
}

http::Route readyz(const SystemParts& parts) {
  auto route = get("/readyz", "The database answers and has this program's schema.",
                   [parts](http::Context& context) { return ready(parts, context.request); });
  route.docs.responses["200"] =
      answer("ready", "application/json", status_schema(), Json{{"status", "ready"}});
  return route;
}

http::Route metrics(const SystemParts& parts) {
  auto route = get("/metrics", "Counters, for Prometheus.", [parts](http::Context&) {
    parts.publish();
    return http::Reply::text(200, parts.metrics.text(), http::Metrics::kContentType);
  });
  route.docs.responses["200"] = answer("the text format 0.0.4", "text/plain",
                                       Json{{"type", "string"}}, Json(nullptr));
  return route;
}

http::Route openapi(const SystemParts& parts) {
  auto route = get("/openapi.json", "This contract, as OpenAPI 3.1.", [parts](http::Context&) {
    return http::Reply::text(200, parts.contract(), "application/json");
  });
  route.docs.responses["200"] =
      answer("the document", "application/json", Json{{"type", "object"}}, Json(nullptr));
  return route;
}

http::Route docs() {
  auto route = get("/docs", "This contract, as a page.", [](http::Context&) {
    return http::Reply::text(200, std::string(docs_page()), "text/html; charset=utf-8")
        .with("Content-Security-Policy",
              "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'");
  });
  route.docs.responses["200"] =
      answer("the page", "text/html", Json{{"type", "string"}}, Json(nullptr));
  return route;
}

}  // namespace

std::vector<http::Route> system_routes(SystemParts parts) {
  return {healthz(), readyz(parts), metrics(parts), openapi(parts), docs()};
}

}  // namespace payoutd::app
