#include "stripe/wire.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"

namespace payoutd::stripe {
namespace {

int listen_anywhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(listener, 1024) == 0);
  socklen_t length = sizeof address;
  CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  port = ntohs(address.sin_port);
  return listener;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Takes one whole request off the front of what was read.
bool take_request(std::string& read, WireRequest& request) {
  const auto end = read.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  request.headers.clear();
  std::size_t from = 0;
  std::string_view head(read.data(), end + 2);
  while (from < head.size()) {
    const auto stop = head.find("\r\n", from);
    const std::string_view line = head.substr(from, stop - from);
    if (from == 0) {
      request.method = line.substr(0, line.find(' '));
      const auto target = line.find(' ') + 1;
      request.target = line.substr(target, line.rfind(' ') - target);
    } else if (const auto colon = line.find(": "); colon != std::string_view::npos) {
      request.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    }
    from = stop + 2;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t body = length == request.headers.end() ? 0 : std::stoul(length->second);
  if (read.size() < end + 4 + body) return false;
  request.body = read.substr(end + 4, body);
  read.erase(0, end + 4 + body);
  return true;
}

}  // namespace

std::uint16_t unused_port() {
  std::uint16_t port = 0;
  ::close(listen_anywhere(port));
  return port;
}

WireConnection::WireConnection(int socket, SSL_CTX* tls) : socket_(socket) {
  if (tls == nullptr) return;
  tls_ = SSL_new(tls);
  SSL_set_fd(tls_, socket_);
}

WireConnection::~WireConnection() {
  end();
  SSL_free(tls_);
}

bool WireConnection::handshake() { return tls_ == nullptr || SSL_accept(tls_) == 1; }

std::string WireConnection::read_some() {
  char buffer[16 * 1024];
  const auto count =
      tls_ ? SSL_read(tls_, buffer, sizeof buffer) : ::recv(socket_, buffer, sizeof buffer, 0);
  return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : std::string{};
}

void WireConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the other end has gone
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void WireConnection::reply(int status, std::string_view body, std::string_view headers) {
  write(fmt::format(
      "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}", status,
      body.size(), headers, body));
}

void WireConnection::end() {
  if (!open_) return;
  open_ = false;
  ::shutdown(socket_, SHUT_RDWR);
}

void WireConnection::reset() {
  if (!open_) return;
  open_ = false;
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Wire::Wire(Handler handler, bool tls) : handler_(std::move(handler)), tls_(nullptr, &SSL_CTX_free) {
  if (tls) make_certificate();
  listener_ = listen_anywhere(port_);
  acceptor_ = std::thread([this] { accept_all(); });
}

Wire::~Wire() {
  let_go();
  stop_listening();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  if (!ca_file_.empty()) ::unlink(ca_file_.c_str());
}

void Wire::stop_listening() {
  if (listener_ < 0) return;
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  listener_ = -1;
}

std::string Wire::url() const {
  return fmt::format("{}://127.0.0.1:{}", tls_ ? "https" : "http", port_);
}

std::vector<WireRequest> Wire::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void Wire::hold() {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [this] { return let_go_; });
}

void Wire::let_go() {
  const std::lock_guard lock(mutex_);
  let_go_ = true;
  released_.notify_all();
}

void Wire::accept_all() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int number = ++accepted_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket, number] {
      sigset_t pipe;  // OpenSSL writes to connections that the client cut
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      serve(socket, number);
    });
  }
}

void Wire::serve(int socket, int number) {
  WireConnection connection(socket, tls_.get());
  std::string read;
  WireRequest request{.method = {}, .target = {}, .headers = {}, .body = {}, .connection = number};
  bool alive = connection.handshake();
  while (alive && connection.open()) {
    while (connection.open() && take_request(read, request)) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      handler_(connection, request);
    }
    if (!connection.open()) break;
    const std::string more = connection.read_some();
    alive = !more.empty();
    read += more;
  }
  connection.end();
  const std::lock_guard lock(mutex_);  // not between the destructor's look and its shutdown
  std::erase(sockets_, socket);
  ::close(socket);
}

void Wire::make_certificate() {
  tls_.reset(SSL_CTX_new(TLS_server_method()));
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), &X509_free);
  X509_set_version(cert.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME* name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("wire"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(cert.get(), names, -1);
  X509_EXTENSION_free(names);
  CHECK(X509_sign(cert.get(), key.get(), EVP_sha256()) > 0);
  CHECK(SSL_CTX_use_certificate(tls_.get(), cert.get()) == 1);
  CHECK(SSL_CTX_use_PrivateKey(tls_.get(), key.get()) == 1);

  char path[] = "/tmp/d-client-ca-XXXXXX";
  const int file = ::mkstemp(path);
  ca_file_ = path;
  FILE* out = ::fdopen(file, "w");
  CHECK(PEM_write_X509(out, cert.get()) == 1);
  std::fclose(out);
}

}  // namespace payoutd::stripe
