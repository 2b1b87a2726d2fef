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

// Words of a command line that spare a kernel what takes long under emulation and tells nobody
// anything: a look at all 256 PCI buses, and tests of its own ciphers.
inline constexpr const char* quick_boot =
    "mitigations=off pci=lastbus=0 cryptomgr.notests lsm= i8042.noprobe 8250.nr_uarts=1";

class Kernel {
  public:
    // The newest version below `root`. Throws std::runtime_error when there is none.
    explicit Kernel(const std::filesystem::path& root);

    // The ELF image inside boot/vmlinuz: booted by PVH, it need not unpack itself under emulation.
    // Throws std::runtime_error where the file is no bzImage (Documentation/arch/x86/boot.rst).
    std::string unpacked() const;

    // `wanted` and all they need, in an order in which they can be inserted. Names use '_'.
    // A module that is built in, or absent, is left out: the host says what it lacks.
    std::vector<Module> modules(const std::vector<std::string>& wanted) const;

  private:
    std::filesystem::path image_;
    std::filesystem::path modules_;
};

// What a bzImage carries, still compressed; pure. Throws std::runtime_error, naming `name`.
std::string_view bzimage_payload(std::string_view image, const std::string& name);

// The names in a module's "depends=" note; pure.
std::vector<std::string> module_dependencies(std::string_view image);

}  // namespace vnuma::lab
