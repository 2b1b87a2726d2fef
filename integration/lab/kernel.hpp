// An unpacked kernel package: boot/vmlinuz-VERSION and lib/modules/VERSION below one directory
// ("/" for the running machine's own).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma::lab {

struct Module {
    std::string name;
    std::string image;  // the uncompressed .ko
};

class Kernel {
  public:
    // The newest version below `root`. Throws std::runtime_error when there is none.
    explicit Kernel(const std::filesystem::path& root);

    const std::filesystem::path& image() const { return image_; }

    // `wanted` and all they need, in an order in which they can be inserted. Names use '_'.
    // A module that is built in, or absent, is left out: the host says what it lacks.
    std::vector<Module> modules(const std::vector<std::string>& wanted) const;

  private:
    std::filesystem::path image_;
    std::filesystem::path modules_;
};

// The names in a module's "depends=" note; pure.
std::vector<std::string> module_dependencies(std::string_view image);

}  // namespace vnuma::lab
