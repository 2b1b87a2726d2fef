#include "guests/discovery/libvirt_monitor.hpp"

#include <libvirt/libvirt-qemu.h>

#include <cstdlib>
#include <memory>
#include <variant>

#include "guests/discovery/guest_source.hpp"
#include "qmp/message.hpp"

namespace vnuma {

DomainHandle find_domain(virConnectPtr connection, const std::string& uuid) {
    DomainHandle domain(virDomainLookupByUUIDString(connection, uuid.c_str()));
    if (!domain) throw MonitorError("libvirt: " + libvirt_error());
    return domain;
}

nlohmann::json LibvirtMonitor::execute(const std::string& command,
                                       const nlohmann::json& arguments) {
    char* text = nullptr;
    nlohmann::json request{{"execute", command}};  // libvirt adds the id
    if (!arguments.is_null()) request["arguments"] = arguments;
    const std::string line = request.dump();
    if (virDomainQemuMonitorCommand(domain_, line.c_str(), &text, 0) != 0)
        throw MonitorError("libvirt: " + libvirt_error());
    const std::unique_ptr<char, decltype(&std::free)> owned(text, std::free);
    qmp::Message message = qmp::parse_message(text);
    if (auto* reply = std::get_if<qmp::Reply>(&message)) return std::move(reply->value);
    const auto* refusal = std::get_if<qmp::Refusal>(&message);
    throw MonitorRefusal("QEMU refuses " + command + ": " +
                         (refusal ? refusal->description : "its reply is no QMP message"));
}

}  // namespace vnuma
