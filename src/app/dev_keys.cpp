#include "app/dev_keys.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "access/keys.h"
#include "base/json.h"

namespace payoutd::app {
namespace {

constexpr const char* kFile = "/dev-keys.json";

Json read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  Json json = Json::parse(text.str(), nullptr, false);
  return json.is_object() ? json : Json::object();
}

Result<Secret> ensure_key(access::Keys& keys, OrgId organization, access::Role role,
                          const std::string& known) {
  if (!known.empty() && keys.look_up(Secret(known)).ok()) return Secret(known);
  auto made = keys.create(organization, {.name = "payoutd dev",
                                         .role = role,
                                         .created_by = "payoutd dev",
                                         .expires_at = std::nullopt});
  if (!made) return made.error();
  return made->text;
}

}  // namespace

Result<std::map<std::string, Secret>> ensure_dev_keys(pg::Database& db, OrgId platform, OrgId other,
                                                      const std::string& folder) {
  const std::string path = folder + kFile;
  const Json known = read_file(path);
  access::Keys keys(db);
  std::map<std::string, Secret> found;
  const auto ensure = [&](const std::string& name, OrgId organization,
                          access::Role role) -> Result<void> {
    auto key = ensure_key(keys, organization, role, known.value(name, std::string{}));
    if (!key) return key.error();
    found.emplace(name, std::move(*key));
    return {};
  };
  for (const access::Role role : access::kRoles) {
    if (auto done = ensure(std::string(access::name_of(role)), platform, role); !done)
      return done.error();
  }
  if (auto done = ensure("other_organization", other, access::Role::admin); !done)
    return done.error();

  Json file = Json::object();
  for (const auto& [name, key] : found) file[name] = key.reveal();
  std::ofstream out(path, std::ios::trunc);
  ::chmod(path.c_str(), 0600);
  out << file.dump(2) << "\n";
  if (!out.flush()) return Error{Kind::refused, "data_dir_not_writable", "can't write " + path};
  return found;
}

}  // namespace payoutd::app
