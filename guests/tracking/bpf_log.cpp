#include "guests/tracking/bpf_log.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace vnuma {
namespace {

constexpr std::size_t max_message_bytes = 512;

// libbpf hands no context to its printing function.
thread_local std::string* kept = nullptr;

void keep_printable(std::string& text, std::string_view message) {
    if (!text.empty()) text += ' ';
    for (const char c : message.substr(0, message.find_last_not_of(" \n") + 1))
        text += c >= ' ' && c < 0x7f ? c : ' ';
    text.resize(std::min(text.size(), BpfLog::max_bytes));
}

__attribute__((format(printf, 2, 0))) int keep(libbpf_print_level level, const char* format,
                                               va_list arguments) {
    if (!kept || level == LIBBPF_DEBUG || kept->size() >= BpfLog::max_bytes) return 0;
    char message[max_message_bytes];
    if (std::vsnprintf(message, sizeof(message), format, arguments) > 0)
        keep_printable(*kept, message);
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
