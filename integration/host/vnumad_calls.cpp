#include "integration/host/vnumad_calls.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr std::size_t longest_record = 8192;  // of /dev/kmsg

struct Free {
    void operator()(char* text) const { std::free(text); }
};

const std::string calls_event = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/";
// The kernel's histogram of the numbers of calls (Documentation/trace/histogram.rst).
const std::string count_calls = "hist:keys=id if comm == \"vnumad\"";

std::string call_name(int number) {
    const std::unique_ptr<char, Free> name(
        ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number));
    return name ? name.get() : "system call " + std::to_string(number);
}

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
    return call_name(std::atoi(record.c_str() + number + number_field.size()));
}

}  // namespace

VnumadCalls::VnumadCalls() : log_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (log_ < 0) throw std::system_error(errno, std::generic_category(), "/dev/kmsg");
    ::lseek(log_, 0, SEEK_END);
    // Not ten records in five seconds only.
    write_text("/proc/sys/kernel/printk_ratelimit", "0");
    write_text(calls_event + "trigger", count_calls);
}

VnumadCalls::~VnumadCalls() {
    ::close(log_);
}

std::vector<std::string> VnumadCalls::take_refused() {
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

std::set<std::string> VnumadCalls::made() const {
    // "{ id:        257 } hitcount:         12"
    std::set<std::string> names;
    std::istringstream histogram(read_text(calls_event + "hist"));
    for (std::string line; std::getline(histogram, line);)
        if (line.starts_with("{ id:")) names.insert(call_name(std::atoi(line.c_str() + 5)));
    return names;
}

}  // namespace vnuma::lab
