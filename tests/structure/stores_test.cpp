// SQL stands in `_store` files, and every store has one shape: functions in a namespace of its
// name, each of which works in the caller's transaction.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace payoutd {
namespace {

namespace fs = std::filesystem;

// What runs statements of others, and what derives a table's statements from its columns.
const std::set<std::string> kNoStores = {"src/mirror/set.h", "src/mirror/table.cpp",
                                         "src/mirror/table.h"};

struct Source {
  std::string path, text;
  std::string stem() const { return fs::path(path).stem().string(); }
  bool is_store() const { return stem().ends_with("_store"); }
};

std::vector<Source> texts_of_sources() {
  std::vector<Source> all;
  const fs::path root(PAYOUTD_SOURCE_DIR);
  for (const char* top : {"src", "webhooks", "stripe"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto kind = entry.path().extension();
      if (kind != ".h" && kind != ".cpp") continue;
      std::ifstream in(entry.path());
      all.push_back({fs::relative(entry.path(), root).string(),
                     std::string(std::istreambuf_iterator<char>(in), {})});
    }
  }
  return all;
}

TEST(Stores, HoldAllSql) {
  const std::regex sql(R"(\bpg::Query k|R"sql\(|\bexec_unnamed\()");
  int statements = 0;
  for (const Source& source : texts_of_sources()) {
    if (source.path.starts_with("src/pg/") || kNoStores.contains(source.path)) continue;
    const bool has_sql = std::regex_search(source.text, sql);
    statements += has_sql ? 1 : 0;
    EXPECT_TRUE(!has_sql || source.is_store()) << source.path << " holds SQL and is no _store";
  }
  EXPECT_GT(statements, 20);
}

TEST(Stores, AreFunctionsInANamespaceOfTheirName) {
  int stores = 0;
  for (const Source& source : texts_of_sources()) {
    if (!source.is_store() || !source.path.ends_with(".h")) continue;
    ++stores;
    const std::regex opened("namespace (payoutd::[a-z:_]+::)?" + source.stem() + R"( \{)");
    EXPECT_TRUE(std::regex_search(source.text, opened))
        << source.path << " has no namespace " << source.stem();
    EXPECT_EQ(source.text.find("\nclass "), std::string::npos) << source.path;
    EXPECT_EQ(source.text.find("  static "), std::string::npos) << source.path;
  }
  EXPECT_GT(stores, 15);
}

// Other folders read by the noun's own header: `payouts_store.cpp` may be the SQL of `payouts.h`.
TEST(Stores, HaveAHeader) {
  const fs::path root(PAYOUTD_SOURCE_DIR);
  for (const Source& source : texts_of_sources()) {
    if (!source.is_store() || !source.path.ends_with(".cpp")) continue;
    const std::string base = (root / source.path).string();
    const std::string store = base.substr(0, base.size() - 4) + ".h";
    const std::string noun = base.substr(0, base.size() - std::string("_store.cpp").size()) + ".h";
    EXPECT_TRUE(fs::exists(store) || fs::exists(noun)) << source.path;
  }
}

}  // namespace
}  // namespace payoutd
