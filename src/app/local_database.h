// Which database a command works on: DATABASE_URL, or the embedded PostgreSQL of the data folder,
// its own or that of a service which runs there already.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "base/secret.h"
#include "pg/embedded.h"

namespace payoutd::app {

class LocalDatabase {
 public:
  enum class Use {
    own,    // a service: refuses a data folder that another one uses
    share,  // a command: goes to the service's database when there is one
  };
  using Say = std::function<void(const std::string&)>;

  // May fork the server: call it on the main thread, before any other is started.
  // Errors: those of pg::Embedded::start.
  static Result<LocalDatabase> open(const Config& config, Use use, Say say);

  const Secret& url() const { return url_; }
  // The folder of the embedded one, as it was chosen; the configured one otherwise.
  const std::string& folder() const { return folder_; }
  bool embedded() const { return server_.has_value(); }

  // Until SIGTERM or SIGINT. An own server that ends by itself is started again, and recovers as
  // after a power cut. Main thread. Error: it could not be started for kMostTries times in a row.
  Result<void> stand_by();
  static constexpr int kMostTries = 20;

  LocalDatabase(LocalDatabase&&) = default;
  LocalDatabase& operator=(LocalDatabase&&) = default;
  ~LocalDatabase();  // stops its own server, and takes its word of it back

 private:
  LocalDatabase(Secret url, std::string folder)
      : url_(std::move(url)), folder_(std::move(folder)) {}

  Secret url_;
  std::string folder_;
  std::string note_;  // the file that tells other commands of our server; empty: none
  std::optional<pg::Embedded> server_;
};

}  // namespace payoutd::app
