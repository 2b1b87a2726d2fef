// A QMP command as a value: it can be sent through qmp/client.hpp, or through a monitor that
// another process owns (libvirt's virDomainQemuMonitorCommand).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace vnuma::qmp {

template <typename T>
struct Command {
    using Reply = T;

    std::string name;
    nlohmann::json arguments;  // an object, or null if the command has none

    // Reads the value of "return"; nothing if it is not what the command returns. Pure, and throws
    // nothing but std::bad_alloc, whatever the value.
    std::optional<T> (*parse)(const nlohmann::json& value);
};

}  // namespace vnuma::qmp
