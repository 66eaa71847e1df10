// Reads every include of the program and holds the rows of the house: a folder includes only rows
// below its own, and a folder that nobody knows is a mistake.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace payoutd {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, int> kRows = {
    {"base", 0},          {"pg", 1},         {"http", 1},       {"stripe", 1},    {"bankfiles", 1},
    {"jobs", 2},          {"access", 2},     {"stripe/sim", 2}, {"ledger", 3},    {"accounts", 3},
    {"notifications", 3}, {"mirror", 4},     {"rails", 4},      {"routing", 4},   {"balances", 4},
    {"payouts", 5},       {"batches", 6},    {"sales", 7},      {"campaigns", 7}, {"documents", 7},
    {"splits", 7},        {"statements", 7}, {"sync", 7},       {"webhooks", 7},  {"reports", 8},
    {"dashboard", 8},     {"app", 9},        {"cli", 9},        {"main", 9}};

// "src/payouts/payouts_api.cpp" is of folder "payouts"; "src/main.cpp" of "main".
std::string folder_of(std::string path) {
  if (path.starts_with("src/")) path.erase(0, 4);
  if (path.starts_with("stripe/sim/")) return "stripe/sim";
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? fs::path(path).stem().string() : path.substr(0, slash);
}

// The rooms of the simulator, lowest first; what stands in its own folder is on top of them.
const std::map<std::string, int> kRooms = {{"stripe/sim/wire", 0},      {"stripe/sim/delivery", 1},
                                           {"stripe/sim/world", 2},     {"stripe/sim/api", 3},
                                           {"stripe/sim/resources", 4}, {"stripe/sim", 5}};

// The room of a path in the simulator, empty elsewhere.
std::string room_of(const std::string& path) {
  return path.starts_with("stripe/sim/") ? path.substr(0, path.rfind('/')) : std::string();
}

bool allowed(const std::string& from, const std::string& to) {
  if (from == to) return true;
  if (from == "stripe/sim") return to == "base" || to == "http";
  if (to == "stripe/sim") return from == "app" || from == "cli";
  if (from == "main" || from == "cli") return true;
  return kRows.at(to) < kRows.at(from);
}

std::vector<std::string> own_includes(const fs::path& file) {
  std::vector<std::string> found;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::string start = "#include \"";
    if (line.starts_with(start))
      found.push_back(line.substr(start.size(), line.rfind('"') - start.size()));
  }
  return found;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const char* top : {"src", "stripe", "webhooks"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(PAYOUTD_SOURCE_DIR) / top)) {
      const auto kind = entry.path().extension();
      if (kind == ".h" || kind == ".cpp") files.push_back(entry.path());
    }
  }
  return files;
}

TEST(Structure, FoldersIncludeOnlyRowsBelowTheirOwn) {
  std::size_t seen = 0;
  for (const fs::path& file : sources()) {
    const std::string path = fs::relative(file, PAYOUTD_SOURCE_DIR).string();
    const std::string from = folder_of(path);
    ASSERT_TRUE(kRows.contains(from)) << path << ": nobody knows the folder " << from;
    for (const std::string& include : own_includes(file)) {
      const std::string to = folder_of(include);
      ASSERT_TRUE(kRows.contains(to))
          << path << " includes \"" << include << "\": write includes from src/ or the top folder";
      EXPECT_TRUE(allowed(from, to)) << path << " includes " << include << " of a row not below";
      ++seen;
    }
  }
  EXPECT_GT(seen, 100u);
}

TEST(Structure, RoomsOfTheSimulatorIncludeOnlyRoomsBelow) {
  std::size_t seen = 0;
  for (const fs::path& file : sources()) {
    const std::string path = fs::relative(file, PAYOUTD_SOURCE_DIR).string();
    if (room_of(path).empty()) continue;
    ASSERT_TRUE(kRooms.contains(room_of(path))) << path << " is in a room that nobody knows";
    for (const std::string& include : own_includes(file)) {
      if (room_of(include).empty()) continue;
      EXPECT_LE(kRooms.at(room_of(include)), kRooms.at(room_of(path)))
          << path << " includes " << include << " of a room above";
      ++seen;
    }
  }
  EXPECT_GT(seen, 100u);
}

// A resource is a noun of Stripe: `charges.cpp` is what the simulated Stripe does with it,
// `charges_api.cpp` its endpoints.
TEST(Structure, ResourcesOfTheSimulatorHaveOneForm) {
  std::size_t seen = 0;
  for (const fs::path& file : sources()) {
    const std::string path = fs::relative(file, PAYOUTD_SOURCE_DIR).string();
    if (room_of(path) != "stripe/sim/resources" || file.extension() != ".cpp") continue;
    std::ifstream in(file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const bool api = path.ends_with("_api.cpp");
    EXPECT_EQ(text.find("std::vector<Endpoint>") != std::string::npos, api) << path;
    EXPECT_EQ(text.find("const Ask& ask") != std::string::npos, api) << path;
    ++seen;
  }
  EXPECT_GT(seen, 20u);
}

TEST(Structure, OnlyTheSocketFrontKnowsCppHttplib) {
  for (const fs::path& file : sources()) {
    std::ifstream in(file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::string folder = folder_of(fs::relative(file, PAYOUTD_SOURCE_DIR).string());
    EXPECT_TRUE(folder == "http" || text.find("#include <httplib") == std::string::npos) << file;
    EXPECT_TRUE(folder == "pg" || text.find("#include <pqxx") == std::string::npos) << file;
  }
}

TEST(Structure, EveryTestFileIsBuilt) {
  std::set<std::string> programs;
  std::ifstream in(fs::path(PAYOUTD_SOURCE_DIR) / "scripts/cmake/Tests.cmake");
  for (std::string line; std::getline(in, line);) {
    const std::string start = "payoutd_test(";
    if (line.starts_with(start))
      programs.insert(line.substr(start.size(), line.find(' ') - start.size()));
  }
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(PAYOUTD_SOURCE_DIR) / "tests")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string folder =
        fs::relative(entry.path().parent_path(), fs::path(PAYOUTD_SOURCE_DIR) / "tests");
    EXPECT_TRUE(folder == "support" || programs.contains(folder))
        << entry.path() << " is in no test program";
  }
}

}  // namespace
}  // namespace payoutd
