#include "integration/host/pinned_memory.hpp"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace vnuma::lab {
namespace {

constexpr std::size_t page_size = 4096;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int open_memory(pid_t qemu) {
    const std::string directory = "/proc/" + std::to_string(qemu) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        std::error_code ignored;
        const std::string target = std::filesystem::read_symlink(entry, ignored);
        if (!target.starts_with("/memfd:")) continue;
        const int file = ::open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
        if (file < 0) continue;
        if (::lseek(file, 0, SEEK_END) >= static_cast<off_t>(2 * PinnedMemory::size)) return file;
        ::close(file);
    }
    throw std::runtime_error("the guest has no memory that can be shared");
}

// The part that is pinned, for a moment: memory that another process maps does not move at all.
struct Mapping {
    explicit Mapping(int file)
        : at(::mmap(nullptr, PinnedMemory::size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                    file, PinnedMemory::size)) {
        if (at == MAP_FAILED) fail("mmap");
    }
    ~Mapping() { ::munmap(at, PinnedMemory::size); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    void* const at;
};

}  // namespace

PinnedMemory::PinnedMemory(pid_t qemu) : file_(open_memory(qemu)) {
    io_uring_params parameters{};
    ring_ = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &parameters));
    if (ring_ < 0) fail("io_uring_setup");
    const Mapping memory(file_);
    const iovec buffer{memory.at, size};
    if (::syscall(SYS_io_uring_register, ring_, IORING_REGISTER_BUFFERS, &buffer, 1) != 0)
        fail("io_uring_register");
}

PinnedMemory::~PinnedMemory() {
    ::close(ring_);
    ::close(file_);
}

std::map<int, std::size_t> PinnedMemory::pages() const {
    const Mapping memory(file_);
    std::map<int, std::size_t> counts;
    for (std::size_t at = 0; at < size; at += page_size) {
        void* page = static_cast<char*>(memory.at) + at;
        int node = -1;
        ::syscall(SYS_move_pages, 0, 1UL, &page, nullptr, &node, 0);
        ++counts[node];
    }
    return counts;
}

}  // namespace vnuma::lab
