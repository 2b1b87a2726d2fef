// A QMP command as a value, so that it can be sent by any road: qmp/client.hpp, or a monitor that
// somebody else owns (libvirt's passthrough).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace vnuma::qmp {

template <typename T>
struct Command {
    using Reply = T;

    std::string name;
    nlohmann::json arguments;  // an object, or null for none

    // Reads the value of "return". Nothing when that is not what was asked for; never throws
    // anything else than std::bad_alloc, whatever the value.
    std::optional<T> (*parse)(const nlohmann::json& value);
};

}  // namespace vnuma::qmp
