// Fuzzes the parser of QEMU's command line and of its configuration files. The first line of an
// input that begins with "[" is the beginning of a file; others are command lines, whose words may
// end with newlines instead of zeros.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guests/discovery/qemu_command_line.hpp"
#include "guests/discovery/qemu_options.hpp"

using namespace vnuma;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const Domain& domain) {
    require(!domain.cells.empty() && !domain.machine.empty());
    require(domain.uuid.empty() || domain.uuid.size() == 36);
    require(std::none_of(domain.name.begin(), domain.name.end(),
                         [](unsigned char c) { return c < ' ' || c == 127; }));
    std::set<int> cells, vcpus;
    for (const DomainCell& cell : domain.cells) {
        require(cell.bytes >= 0 && cells.insert(cell.id).second);
        for (const int vcpu : cell.vcpus)
            require(vcpu >= 0 && vcpus.insert(vcpu).second);
    }
    for (const MemoryDevice& device : domain.memory_devices)
        require(device.bytes >= 0 && device.plugged >= 0 && device.plugged <= device.bytes);
    std::int64_t bytes = 0;
    for (const DomainCell& cell : domain.cells)
        bytes += cell.bytes;
    for (const MemoryDevice& device : domain.memory_devices)
        bytes += device.bytes;
    require(bytes <= max_qemu_size);
    require(domain.problems.size() <= max_description_problems);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    if (text.starts_with('[')) {
        std::vector<std::string> problems;
        require(parse_qemu_config(text, problems).size() <= max_qemu_options);
        require(problems.size() <= max_description_problems);
        check(parse_qemu_command_line("", {text}));
        return 0;
    }
    std::replace(text.begin(), text.end(), '\n', '\0');
    find_config_files(text);
    check(parse_qemu_command_line(text, {}));
    return 0;
}
