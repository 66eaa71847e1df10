#include "access/world.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <stdexcept>
#include <thread>

namespace payoutd::access {
namespace {

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval deadline{30, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket);
    throw std::runtime_error("no connection to the service");
  }
  return socket;
}

std::string exchange(int socket, const std::string& request) {
  std::size_t sent = 0;
  while (sent < request.size()) {
    const auto n = ::send(socket, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  std::string reply;
  char buffer[16'384];
  for (;;) {
    const auto n = ::recv(socket, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    reply.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(socket);
  return reply;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Answer parse(const std::string& reply) {
  const auto end = reply.find("\r\n\r\n");
  if (!reply.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    throw std::runtime_error("no whole reply: " + reply);
  }
  Answer answer;
  answer.status = std::stoi(reply.substr(9, 3));
  answer.body = reply.substr(end + 4);
  std::size_t line = reply.find("\r\n") + 2;
  while (line < end) {
    const auto next = std::min(reply.find("\r\n", line), end);
    const auto colon = reply.find(": ", line);
    if (colon < next) {
      answer.headers[lower(reply.substr(line, colon - line))] =
          reply.substr(colon + 2, next - colon - 2);
    }
    line = next + 2;
  }
  return answer;
}

http::Route route_for(const char* method, Right right) {
  return {method, "/api/may/" + std::string(name_of(right)), std::string(name_of(right)),
          [](http::Context& context) {
            const Principal& who = principal(context.request);
            return http::Reply::json(
                200, Json{{"organization", who.organization.str()}, {"actor", who.actor}});
          }};
}

}  // namespace

std::string Answer::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? "" : found->second;
}

Answer call(std::uint16_t port, const std::string& method, const std::string& target,
            const Headers& headers, const std::string& body) {
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  if (method == "POST" || !body.empty())
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return parse(exchange(connect_to(port), request + "\r\n" + body));
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

AccessTest::AccessTest()
    : org(ensure_platform_organization(db(), "platform")->id),
      other(ensure_organization(db(), "other")->id),
      keys(db()),
      idempotency(db(), {.lease_ms = kLeaseMs}) {
  for (const Role role : kRoles) made.emplace(role, make_key(org, role));
  other_admin = make_key(other, Role::admin).text;
}

AccessTest::~AccessTest() {
  if (server) server->stop();
}

void AccessTest::serve(std::vector<http::Route> more, int workers) {
  http::Router router;
  guard(router, keys, idempotency);
  for (http::Route& route : keys_routes(keys)) router.add(std::move(route));
  for (http::Route& route : accounts_routes(db())) router.add(std::move(route));
  for (const Right right : kRights) {
    router.add(route_for("GET", right));
    router.add(route_for("POST", right));
  }
  for (http::Route& route : more) router.add(std::move(route));
  server = std::make_unique<http::Server>(std::move(router),
                                          http::Server::Options{.port = 0, .workers = workers});
  ASSERT_TRUE(server->start());
}

Answer AccessTest::send(const std::string& method, const std::string& target, const Secret& key,
                        Headers headers, const std::string& body) {
  headers.emplace_back("Authorization", "Bearer " + key.reveal());
  return call(server->port(), method, target, headers, body);
}

Answer AccessTest::get(const std::string& target, const Secret& key, Headers headers) {
  return send("GET", target, key, std::move(headers));
}

Answer AccessTest::post(const std::string& target, const Secret& key, const std::string& body,
                        Headers headers) {
  return send("POST", target, key, std::move(headers), body);
}

CreatedKey AccessTest::make_key(OrgId of, Role role, std::optional<Time> expires_at) {
  return *keys.create(of, {std::string(name_of(role)), role, "test", expires_at});
}

const Secret& AccessTest::key(Role role) const { return made.at(role).text; }

std::string AccessTest::sql(const std::string& statement) {
  PGconn* session = PQconnectdb(url().reveal().c_str());
  PGresult* result = PQexec(session, statement.c_str());
  const auto status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    ADD_FAILURE() << PQerrorMessage(session);
  }
  std::string answer;
  if (status == PGRES_TUPLES_OK && PQntuples(result) > 0) answer = PQgetvalue(result, 0, 0);
  PQclear(result);
  PQfinish(session);
  return answer;
}

}  // namespace payoutd::access
