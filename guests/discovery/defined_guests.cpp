#include "guests/discovery/defined_guests.hpp"

#include <libvirt/libvirt.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/libvirt_domain.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

struct ConnectionCloser {
    void operator()(virConnectPtr connection) const { virConnectClose(connection); }
};

std::string read_cgroup(pid_t pid) {
    const auto text = read_small_file("/proc/" + std::to_string(pid) + "/cgroup");
    const auto cgroup = text ? parse_cgroup(*text) : std::nullopt;
    return cgroup ? cgroup->path : "";
}

GuestIdentity identify(virDomainPtr domain, const LibvirtSettings& settings) {
    GuestIdentity guest;
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    if (virDomainGetUUIDString(domain, uuid.data()) == 0) guest.uuid = uuid.data();
    guest.name = virDomainGetName(domain);
    if (virDomainIsActive(domain) != 1) return guest;
    if (const auto pid = read_domain_pid(settings.pid_directory, guest.name))
        guest.cgroup = read_cgroup(*pid);
    return guest;
}

}  // namespace

std::vector<GuestIdentity> list_defined_guests(const LibvirtSettings& settings) {
    keep_libvirt_errors_off_stderr();
    const auto failure = [&] {
        return SourceError("libvirt at " + settings.uri + ": " + libvirt_error());
    };
    const std::unique_ptr<virConnect, ConnectionCloser> connection(
        virConnectOpenReadOnly(settings.uri.c_str()));
    if (!connection) throw failure();
    virDomainPtr* handles = nullptr;
    const int count = virConnectListAllDomains(connection.get(), &handles, 0);
    if (count < 0) throw failure();
    std::vector<GuestIdentity> guests;
    for (int i = 0; i < count; ++i) {
        const DomainHandle domain(handles[i]);
        guests.push_back(identify(domain.get(), settings));
    }
    std::free(handles);
    return guests;
}

}  // namespace vnuma
