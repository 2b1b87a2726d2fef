#include "policy/model/guest_policy.hpp"

#include <algorithm>

namespace vnuma {

std::map<std::string, Arrangement> HostPolicy::arrangements() const {
    std::map<std::string, Arrangement> all;
    for (const auto* source : {&groups, &run_time.groups})
        for (const auto& [name, overrides] : *source)
            if (auto& known = all[name]; overrides.arrangement) known = *overrides.arrangement;
    return all;
}

bool is_group_name(std::string_view name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= max_group_name &&
           std::all_of(name.begin(), name.end(), plain);
}

}  // namespace vnuma
