#include "src/ctl/arguments.hpp"

#include "src/ctl/context.hpp"
#include "src/ctl/units.hpp"

namespace vnuma::ctl {
namespace {

[[noreturn]] void refuse(const char* option, const std::string& text, const char* what) {
    throw UsageError(std::string(option) + " " + text + ": must be " + what);
}

}  // namespace

Bytes read_size(const char* option, const std::string& text) {
    const auto size = parse_size(text);
    if (!size || *size < 1) refuse(option, text, "a size with a unit: \"512M\", \"4GiB\"");
    return *size;
}

Millis read_duration(const char* option, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration || *duration < 1)
        refuse(option, text, "a duration: \"90s\", \"10min\", \"1h30m\", \"2d\"");
    return *duration;
}

std::int64_t read_since(const char* option, const std::string& text, std::int64_t now_ms) {
    const auto since = parse_since(text, now_ms);
    if (!since)
        refuse(option, text,
               "a duration (\"90s\", \"1h30m\", \"2d\") or a time in the past (\"02:13\", "
               "\"2026-12-01 02:13\")");
    return *since;
}

}  // namespace vnuma::ctl
