// A directory for the files of one test, which is removed with all that is in it after the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace vnuma::test {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "vnuma-test.XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(root_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }
    void link(const std::string& target, const std::string& file) const {
        std::filesystem::create_directories((root_ / file).parent_path());
        std::filesystem::create_symlink(target, root_ / file);
    }
    std::string path(const std::string& file = "") const { return (root_ / file).string(); }

  private:
    std::filesystem::path root_;
};

}  // namespace vnuma::test
