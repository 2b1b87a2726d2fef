// Command lines as /proc/PID/cmdline has them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace vnuma::test {

inline std::string words(std::initializer_list<std::string_view> all) {
    std::string line;
    for (const std::string_view word : all)
        line += std::string(word) + '\0';
    return line;
}

}  // namespace vnuma::test
