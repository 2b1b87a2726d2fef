#include "integration/host/refused_calls.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr std::size_t longest_record = 8192;  // of /dev/kmsg

struct Free {
    void operator()(char* text) const { std::free(text); }
};

// 'audit: type=1326 audit(...): ... comm="vnumad" exe="/usr/sbin/vnumad" sig=0 arch=c000003e
// syscall=59 ...', where 1326 is AUDIT_SECCOMP. Empty for other records.
std::string refused_call(const std::string& record) {
    constexpr std::string_view number_field = " syscall=";
    const std::size_t number = record.find(number_field);
    if (record.find("type=1326 ") == std::string::npos || number == std::string::npos ||
        record.find("/vnumad\" ") == std::string::npos)
        return "";
    // A tracer that does not let a call happen gives it this number.
    if (record.find(" syscall=-1 ") != std::string::npos) return "";
    const std::unique_ptr<char, Free> name(::seccomp_syscall_resolve_num_arch(
        SCMP_ARCH_NATIVE, std::atoi(record.c_str() + number + number_field.size())));
    return name ? name.get() : record;
}

}  // namespace

RefusedCalls::RefusedCalls() : log_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (log_ < 0) throw std::system_error(errno, std::generic_category(), "/dev/kmsg");
    ::lseek(log_, 0, SEEK_END);
    // Not ten records in five seconds only.
    write_text("/proc/sys/kernel/printk_ratelimit", "0");
}

RefusedCalls::~RefusedCalls() {
    ::close(log_);
}

std::vector<std::string> RefusedCalls::take() {
    std::vector<std::string> calls;
    std::array<char, longest_record> record{};
    while (true) {
        const ssize_t size = ::read(log_, record.data(), record.size());
        if (size < 0 && errno == EPIPE) continue;  // records were overwritten
        if (size <= 0) return calls;
        std::string call = refused_call({record.data(), static_cast<std::size_t>(size)});
        if (!call.empty()) calls.push_back(std::move(call));
    }
}

}  // namespace vnuma::lab
