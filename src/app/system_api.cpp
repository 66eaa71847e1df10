#include "app/system_api.h"

#include "http/schema.h"

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

namespace is = http::schema;

Json status_answer(const char* about, const char* status) {
  return is::answer(about, is::object({{"status", is::text("In a word.")}}), {{"status", status}});
}

// What is no JSON.
Json text_answer(const char* about, const char* type) {
  return {{"description", about}, {"content", {{type, {{"schema", {{"type", "string"}}}}}}}};
}

http::Reply ready(const SystemParts& parts, const http::Request& request) {
  switch (parts.db.health()) {
    case pg::Database::Health::away:
      return http::error_reply(
          Error{Kind::retry, "database_unavailable", "the database does not answer"},
          request.request_id);
    case pg::Database::Health::read_only:
      return http::error_reply(
          Error{Kind::retry, "database_read_only", "the database takes no writes"},
          request.request_id);
    case pg::Database::Health::good: break;
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
  route.docs.responses["200"] = status_answer("Alive.", "ok");
  // Answers also while every worker is busy.
  route.runs = http::Runs::on_loop;
  return route;
}

http::Route readyz(const SystemParts& parts) {
  auto route = get("/readyz", "The database answers and has this program's schema.",
                   [parts](http::Context& context) { return ready(parts, context.request); });
  route.runs = http::Runs::on_probe_worker;
  route.docs.responses["200"] = status_answer("Ready.", "ready");
  return route;
}

http::Route metrics(const SystemParts& parts) {
  auto route = get("/metrics", "Counters, for Prometheus.", [parts](http::Context&) {
    parts.publish();
    return http::Reply::text(200, parts.metrics.text(), http::Metrics::kContentType);
  });
  route.runs = http::Runs::on_probe_worker;
  route.docs.responses["200"] = text_answer("The text format 0.0.4.", "text/plain");
  return route;
}

http::Route openapi(const SystemParts& parts) {
  auto route = get("/openapi.json", "This contract, as OpenAPI 3.1.", [parts](http::Context&) {
    return http::Reply::text(200, parts.contract(), "application/json");
  });
  Json schema = is::object({{"openapi", is::text("The version of OpenAPI.")}});
  schema["additionalProperties"] = true;
  route.docs.responses["200"] =
      is::answer("The document.", std::move(schema), {{"openapi", "3.1.0"}});
  return route;
}

http::Route docs(const SystemParts& parts) {
  auto route = get("/docs", "This contract, as a page.", [parts](http::Context&) {
    return http::Reply::text(200, parts.page(), "text/html; charset=utf-8")
        .with("Content-Security-Policy",
              "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'");
  });
  route.docs.responses["200"] = text_answer("The page.", "text/html");
  return route;
}

}  // namespace

std::vector<http::Route> system_routes(SystemParts parts) {
  return {healthz(), readyz(parts), metrics(parts), openapi(parts), docs(parts)};
}

}  // namespace payoutd::app
