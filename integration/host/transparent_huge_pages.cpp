#include "integration/host/transparent_huge_pages.hpp"

#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr const char* file = "/sys/kernel/mm/transparent_hugepage/enabled";

// The kernel lists all modes, with the present one in brackets.
std::string mode_in(const std::string& text) {
    const std::size_t open = text.find('['), close = text.find(']');
    if (open == std::string::npos || close == std::string::npos || close < open) return "madvise";
    return text.substr(open + 1, close - open - 1);
}

}  // namespace

TransparentHugePages::TransparentHugePages(const std::string& mode)
    : before_(mode_in(read_text(file))) {
    write_text(file, mode);
}

TransparentHugePages::~TransparentHugePages() {
    try {
        write_text(file, before_);
    } catch (const std::system_error&) {
        // The lab host ends soon anyway.
    }
}

}  // namespace vnuma::lab
