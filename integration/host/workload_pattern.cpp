#include "integration/host/workload_pattern.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::lab {
namespace {

using nlohmann::json;

std::string buffer_name(int vcpu) {
    return "vcpu" + std::to_string(vcpu);
}

json thread_of(const GuestShape& shape, int vcpu, int buffer_owner, Window window, Access access) {
    const int mib = buffer_mib_of(shape, buffer_owner);
    return {{"cpu", vcpu},
            {"buffer", buffer_name(buffer_owner)},
            {"write", access == Access::write},
            {"verify", access == Access::write && shape.verify},
            {"duty_percent", shape.duty_percent},
            {"period_ms", shape.period_ms},
            {"offset_mib", mib * window.offset_percent / 100},
            {"span_mib", std::max(mib * window.span_percent / 100, 1)}};
}

}  // namespace

json idle_buffers(const GuestShape& shape) {
    json pattern{{"buffers", json::object()}, {"threads", json::array()}};
    for (int vcpu = 0; vcpu < online_vcpus_of(shape); ++vcpu)
        pattern["buffers"][buffer_name(vcpu)] = buffer_mib_of(shape, vcpu);
    return pattern;
}

json windows_of(const GuestShape& shape, const std::vector<int>& buffer_owners, Window window,
                Access access) {
    json pattern = idle_buffers(shape);
    for (int vcpu = 0; vcpu < online_vcpus_of(shape); ++vcpu)
        pattern["threads"].push_back(thread_of(
            shape, vcpu, buffer_owners.at(static_cast<std::size_t>(vcpu)), window, access));
    return pattern;
}

json own_windows(const GuestShape& shape, Window window, Access access) {
    std::vector<int> buffer_owners(static_cast<std::size_t>(online_vcpus_of(shape)));
    std::iota(buffer_owners.begin(), buffer_owners.end(), 0);
    return windows_of(shape, buffer_owners, window, access);
}

json shared_windows(const GuestShape& shape, Window window, Access access) {
    std::vector<int> buffer_owners(static_cast<std::size_t>(online_vcpus_of(shape)));
    for (int vcpu = 0; vcpu < online_vcpus_of(shape); ++vcpu)
        buffer_owners[static_cast<std::size_t>(vcpu)] = vcpu - vcpu % 2;
    return windows_of(shape, buffer_owners, window, access);
}

}  // namespace vnuma::lab
