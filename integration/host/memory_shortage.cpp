#include "integration/host/memory_shortage.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

const std::string group = "/sys/fs/cgroup/short-of-memory";

// Waits for SIGCONT first.
[[noreturn]] void use_memory() {
    constexpr std::size_t size = std::size_t{64} << 20;
    ::raise(SIGSTOP);
    while (true) {
        void* const memory =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) ::_exit(1);
        std::memset(memory, 1, size);
        ::munmap(memory, size);
    }
}

}  // namespace

MemoryShortage::MemoryShortage() {
    write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    std::filesystem::create_directory(group);
    write_text(group + "/memory.high", "8M");
    process_ = ::fork();
    if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (process_ == 0) use_memory();
    ::waitpid(process_, nullptr, WUNTRACED);
    write_text(group + "/cgroup.procs", std::to_string(process_));
    ::kill(process_, SIGCONT);
}

MemoryShortage::~MemoryShortage() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove(group, ignored);
}

double memory_pressure() {
    const std::string text = read_text("/proc/pressure/memory");
    return std::atof(text.substr(text.find('=') + 1).c_str());
}

}  // namespace vnuma::lab
