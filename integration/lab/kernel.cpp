#include "integration/lab/kernel.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

#include "integration/lab/archive.hpp"

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view image_prefix = "vmlinuz-";

std::string module_name(const fs::path& file) {
    std::string name = file.filename().string();
    const std::size_t suffix = name.find(".ko");
    if (suffix == std::string::npos) return "";
    name.resize(suffix);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

class Closure {
  public:
    explicit Closure(const fs::path& directory) {
        for (const auto& entry : fs::recursive_directory_iterator(directory))
            if (entry.is_regular_file() && !module_name(entry.path()).empty())
                files_[module_name(entry.path())] = entry.path();
    }

    void add(const std::string& name) {
        auto file = files_.find(name);
        if (file == files_.end() || !seen_.insert(name).second) return;
        std::string image = read_compressed(file->second);
        for (const std::string& dependency : module_dependencies(image))
            add(dependency);
        ordered_.push_back({name, std::move(image)});
    }

    std::vector<Module> take() { return std::move(ordered_); }

  private:
    std::map<std::string, fs::path> files_;
    std::set<std::string> seen_;
    std::vector<Module> ordered_;
};

}  // namespace

Kernel::Kernel(const fs::path& root) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root / "boot", error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(image_prefix)) continue;
        const fs::path modules = root / "lib/modules" / name.substr(image_prefix.size());
        if (!fs::exists(modules)) continue;
        if (image_.empty() ||
            strverscmp(image_.filename().c_str(), entry.path().filename().c_str()) < 0) {
            image_ = entry.path();
            modules_ = modules;
        }
    }
    if (image_.empty())
        throw std::runtime_error(
            root.string() + ": no kernel with its modules below it (./bootstrap deps fetches one)");
}

std::string Kernel::unpacked() const {
    const std::string image = read_bytes(image_);
    std::string elf = uncompress(bzimage_payload(image, image_.string()), image_.string());
    if (!elf.starts_with("\x7f"
                         "ELF"))
        throw std::runtime_error(image_.string() +
                                 " is compressed in a way libarchive does not know");
    return elf;
}

std::vector<Module> Kernel::modules(const std::vector<std::string>& wanted) const {
    Closure closure(modules_);
    for (const std::string& name : wanted)
        closure.add(name);
    return closure.take();
}

std::string_view bzimage_payload(std::string_view image, const std::string& name) {
    // Offsets of the boot protocol, version 2.08.
    constexpr std::size_t setup_sectors = 0x1f1, magic = 0x202, offset = 0x248, length = 0x24c;
    constexpr std::size_t sector_bytes = 512, size_field_bytes = 4;
    constexpr std::string_view gzip("\x1f\x8b");
    const auto read32 = [&](std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, image.data() + at, sizeof value);
        return std::size_t{value};
    };
    if (image.size() < length + sizeof(std::uint32_t) || image.substr(magic, 4) != "HdrS")
        throw std::runtime_error(name + " is no bzImage");
    const std::size_t sectors = static_cast<unsigned char>(image[setup_sectors]);
    const std::size_t begin = (sectors + 1) * sector_bytes + read32(offset), size = read32(length);
    if (begin > image.size() || size > image.size() - begin || size < size_field_bytes)
        throw std::runtime_error(name + " ends before what it carries");
    const std::string_view payload = image.substr(begin, size);
    // The unpacked size follows, in all formats that do not end with it anyway.
    return payload.starts_with(gzip) ? payload : payload.substr(0, size - size_field_bytes);
}

std::vector<std::string> module_dependencies(std::string_view image) {
    // .modinfo is a row of NUL-terminated "key=value" strings.
    constexpr std::string_view key("\0depends=", 9);
    std::vector<std::string> names;
    const std::size_t at = image.find(key);
    if (at == std::string_view::npos) return names;
    std::string_view list = image.substr(at + key.size());
    list = list.substr(0, list.find('\0'));
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string name(list.substr(0, comma));
        std::replace(name.begin(), name.end(), '-', '_');
        names.push_back(std::move(name));
        list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
    }
    return names;
}

}  // namespace vnuma::lab
