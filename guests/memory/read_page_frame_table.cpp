#include "guests/memory/read_page_frame_table.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/files.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// Limit of the entries read from a node's directory, which has one per memory block. It allows for
// 64 TiB in memory blocks of 128 MiB, and hosts of that size have blocks of 2 GiB.
constexpr std::size_t max_directory_entries = 512 * 1024;
const char* const nodes_directory = "/sys/devices/system/node";

// Anonymous memory of this process.
struct Unmap {
    std::size_t size;
    void operator()(char* memory) const { ::munmap(memory, size); }
};
using Memory = std::unique_ptr<char, Unmap>;

Memory map_memory(std::size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return {memory == MAP_FAILED ? nullptr : static_cast<char*>(memory), Unmap{size}};
}

Process open_self() {
    auto self = Process::open(::getpid());
    if (!self) throw std::system_error(ENOENT, std::generic_category(), "/proc/self");
    return std::move(*self);
}

// The pagemap of this process. Throws std::system_error if the kernel refuses.
class OwnPagemap {
  public:
    OwnPagemap() : self_(open_self()), pagemap_(Pagemap::open(self_).value()) {}

    // The page frame that backs an address. Nothing if there is none or its number is hidden.
    std::optional<std::uint64_t> page_frame_at(const char* address) const {
        std::array<std::uint64_t, 1> entry{};
        if (!pagemap_.read(self_, reinterpret_cast<std::uintptr_t>(address), entry))
            return std::nullopt;
        return page_frame_of(entry[0]);
    }

  private:
    Process self_;
    Pagemap pagemap_;
};

void read_byte(const char* address) {
    static_cast<void>(*static_cast<const volatile char*>(address));
}

// Reads two addresses that were never written. Returns the page frame that backs both, which is a
// zero page. Nothing if they have different ones: a kernel may have no zero page of that size.
std::optional<std::uint64_t> shared_page_frame(const OwnPagemap& pagemap, const char* first,
                                               std::size_t bytes) {
    read_byte(first);
    read_byte(first + bytes);
    const auto pfn = pagemap.page_frame_at(first);
    return pfn == pagemap.page_frame_at(first + bytes) ? pfn : std::nullopt;
}

// Finds the zero pages by reading memory that was never written. The kernel does not free the huge
// zero page while a process that has mapped it exists, so its page frames do not change afterwards.
void remove_zero_pages(PageFrameTable& table) {
    const OwnPagemap pagemap;
    if (const Memory memory = map_memory(2 * small_page_bytes))
        if (const auto pfn = shared_page_frame(pagemap, memory.get(), small_page_bytes))
            table.remove(*pfn, 1);
    if (const Memory memory = map_memory(3 * chunk_bytes)) {
        const auto offset = reinterpret_cast<std::uintptr_t>(memory.get()) % chunk_bytes;
        char* const aligned = memory.get() + (offset == 0 ? 0 : chunk_bytes - offset);
        ::madvise(memory.get(), 3 * chunk_bytes, MADV_HUGEPAGE);
        const auto first = shared_page_frame(pagemap, aligned, chunk_bytes);
        const auto last = pagemap.page_frame_at(aligned + chunk_bytes - small_page_bytes);
        if (first && last && *last - *first == pages_in_chunk - 1)
            table.remove(*first, pages_in_chunk);
    }
}

// The number in a name like "node3", whose prefix is "node".
std::optional<std::uint64_t> parse_numbered_name(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number;
}

// The numbers of a directory's entries with this prefix; empty if it cannot be read.
std::vector<std::uint64_t> list_numbered_entries(const std::string& path, std::string_view prefix) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& name : list_directory(AT_FDCWD, path, max_directory_entries))
        if (const auto number = parse_numbered_name(name, prefix)) numbers.push_back(*number);
    return numbers;
}

std::optional<PageFrameTable> read_memory_blocks(std::string& why) {
    const auto size = read_small_file("/sys/devices/system/memory/block_size_bytes");
    std::uint64_t block_bytes = 0;
    if (size) std::from_chars(size->data(), size->data() + size->size(), block_bytes, 16);
    std::vector<MemoryBlock> blocks;
    for (const std::uint64_t node : list_numbered_entries(nodes_directory, "node")) {
        const std::string path = std::string(nodes_directory) + "/node" + std::to_string(node);
        for (const std::uint64_t number : list_numbered_entries(path, "memory"))
            blocks.push_back({number, static_cast<int>(node)});
    }
    return from_memory_blocks(block_bytes, blocks, why);
}

}  // namespace

std::optional<PageFrameTable> read_page_frame_table(std::string& why) {
    const auto zoneinfo = read_small_file("/proc/zoneinfo");
    auto table = parse_zoneinfo(zoneinfo.value_or(""), why);
    if (!table) {
        std::string why_no_blocks;
        table = read_memory_blocks(why_no_blocks);
        if (!table) why = "/proc/zoneinfo: " + why + "; memory blocks: " + why_no_blocks;
    }
    if (!table) return std::nullopt;
    try {
        remove_zero_pages(*table);
    } catch (const std::system_error& error) {
        why = error.what();
        return std::nullopt;
    }
    why.clear();
    return table;
}

std::string probe_page_frames() {
    try {
        const OwnPagemap pagemap;
        if (const Memory memory = map_memory(small_page_bytes)) {
            *memory = 1;
            if (!pagemap.page_frame_at(memory.get()))
                return "the kernel hides page frame numbers (CAP_SYS_ADMIN is needed)";
        }
    } catch (const std::system_error& error) {
        return error.what();
    }
    return "";
}

}  // namespace vnuma
