#include "guests/discovery/libvirt_monitor.hpp"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <variant>

#include "guests/discovery/guest_source.hpp"
#include "qmp/message.hpp"

namespace vnuma {
namespace {

// Whether libvirt's last error is a refusal: by its access control, for a read-only connection, or
// by a hypervisor without such a monitor. Every other error may be gone at the next call.
bool is_refusal() {
    constexpr std::array<int, 5> refusals{VIR_ERR_ACCESS_DENIED, VIR_ERR_OPERATION_DENIED,
                                          VIR_ERR_NO_SUPPORT, VIR_ERR_CONFIG_UNSUPPORTED,
                                          VIR_ERR_OPERATION_UNSUPPORTED};
    const int code = virGetLastErrorCode();
    return std::find(refusals.begin(), refusals.end(), code) != refusals.end();
}

}  // namespace

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
    if (virDomainQemuMonitorCommand(domain_, line.c_str(), &text, 0) != 0) {
        const std::string error = "libvirt: " + libvirt_error();
        if (is_refusal()) throw MonitorRefusal(error);
        throw MonitorError(error);
    }
    const std::unique_ptr<char, decltype(&std::free)> owned(text, std::free);
    qmp::Message message = qmp::parse_message(text);
    if (auto* reply = std::get_if<qmp::Reply>(&message)) return std::move(reply->value);
    const auto* refusal = std::get_if<qmp::Refusal>(&message);
    throw MonitorRefusal("QEMU refuses " + command + ": " +
                         (refusal ? refusal->description : "its reply is no QMP message"));
}

}  // namespace vnuma
