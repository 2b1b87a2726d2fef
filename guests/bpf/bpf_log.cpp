#include "guests/bpf/bpf_log.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>

namespace vnuma {
namespace {

// The log of the kernel's verifier is one message, which begins with the place of the error and
// ends with the reason.
constexpr std::size_t max_message_bytes = 64 << 10;
constexpr std::size_t beginning_bytes = 150, end_bytes = 350;

// The current object's text. It is global since libbpf passes no context to its print function.
thread_local std::string* kept = nullptr;

std::string shortened(std::string message) {
    if (message.size() <= beginning_bytes + end_bytes) return message;
    return message.substr(0, beginning_bytes) + " ... " +
           message.substr(message.size() - end_bytes);
}

std::string formatted(const char* format, va_list arguments) {
    std::string message(max_message_bytes, ' ');
    const int length = std::vsnprintf(message.data(), message.size(), format, arguments);
    if (length < 0) return {};
    message.resize(std::min(static_cast<std::size_t>(length), message.size() - 1));
    message.erase(message.find_last_not_of(" \n") + 1);
    return message;
}

__attribute__((format(printf, 2, 0))) int keep(libbpf_print_level level, const char* format,
                                               va_list arguments) {
    if (!kept || level == LIBBPF_DEBUG || kept->size() >= BpfLog::max_bytes) return 0;
    if (!kept->empty()) *kept += ' ';
    for (const char c : shortened(formatted(format, arguments)))
        *kept += c >= ' ' && c < 0x7f ? c : ' ';
    kept->resize(std::min(kept->size(), BpfLog::max_bytes));
    return 0;
}

}  // namespace

BpfLog::BpfLog() {
    kept = &text_;
    libbpf_set_print(keep);
}

BpfLog::~BpfLog() {
    kept = nullptr;
}

}  // namespace vnuma
