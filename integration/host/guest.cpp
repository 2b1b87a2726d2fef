#include "integration/host/guest.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/vcpu_activity.hpp"

namespace vnuma::lab {

struct Guest::Domain {
    explicit Domain(virDomainPtr found) : handle(found) {
        if (!handle) throw std::runtime_error("no such domain: " + libvirt_error());
    }
    Domain(const Libvirtd& host, const std::string& uuid)
        : Domain(virDomainLookupByUUIDString(host.connection(), uuid.c_str())) {}
    ~Domain() { virDomainFree(handle); }
    Domain(const Domain&) = delete;
    Domain& operator=(const Domain&) = delete;

    virDomainPtr handle;
};

namespace {

void check(int result, const std::string& what) {
    if (result < 0) throw std::runtime_error(what + ": " + libvirt_error());
}

}  // namespace

Guest::Guest(const Libvirtd& host, GuestShape shape)
    : RunningGuest(std::move(shape)), host_(&host) {
    start();
}

Guest::~Guest() {
    end();
}

std::map<int, pid_t> Guest::vcpu_threads() const {
    return lab::vcpu_threads(pid());
}

void Guest::create() {
    const std::string xml = domain_xml(shape(), guest_kernel(), guest_initramfs());
    const Domain domain(
        virDomainCreateXML(host_->connection(), xml.c_str(), VIR_DOMAIN_START_PAUSED));
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    check(virDomainGetUUIDString(domain.handle, uuid.data()), name());
    uuid_ = uuid.data();
    pid_ = host_->domain_pid(name());
}

void Guest::destroy() {
    if (uuid_.empty()) return;
    if (virDomainPtr domain = virDomainLookupByUUIDString(host_->connection(), uuid_.c_str())) {
        virDomainDestroy(domain);
        // Only a domain that was saved and not restored is still defined.
        virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
        virDomainFree(domain);
    }
    uuid_.clear();
}

// With on_reboot=destroy libvirt ends the domain when the machine is reset. Domains of one name
// share a log file.
bool Guest::was_reset() {
    const std::string text = log();
    const std::size_t began = text.rfind(": starting up");
    return began != std::string::npos &&
           text.find("shutting down, reason=shutdown", began) != std::string::npos;
}

std::string Guest::log() {
    return read_text("/var/log/libvirt/qemu/" + name() + ".log");
}

std::string Guest::describe_vcpus() {
    const std::string output = "/tmp/registers-" + std::to_string(pid());
    return vcpu_activity(pid(), [&] {
        std::filesystem::remove(output);
        run_program({"virsh", "-q", "qemu-monitor-command", name(), "--hmp", "info registers -a"},
                    output);
        return read_text(output);
    });
}

std::string Guest::xml(unsigned flags) const {
    const Domain domain(*host_, uuid_);
    const std::unique_ptr<char, decltype(&std::free)> text(
        virDomainGetXMLDesc(domain.handle, flags), std::free);
    if (!text) throw std::runtime_error(name() + ": " + libvirt_error());
    return text.get();
}

void Guest::pause() const {
    check(virDomainSuspend(Domain(*host_, uuid_).handle), name() + " could not be paused");
}

void Guest::resume() const {
    check(virDomainResume(Domain(*host_, uuid_).handle), name() + " could not be resumed");
}

// Managed save needs a defined domain.
void Guest::save() {
    const Domain defined(virDomainDefineXML(host_->connection(), xml().c_str()));
    check(virDomainManagedSave(defined.handle, 0), name() + " could not be saved");
    pid_ = -1;
}

void Guest::restore() {
    const Domain domain(*host_, uuid_);
    check(virDomainCreate(domain.handle), name() + " could not be restored");
    check(virDomainUndefine(domain.handle), name() + " could not be undefined");
    pid_ = host_->domain_pid(name());
    connect_workload();
}

// The two QEMUs need two sockets, since each unlinks its own at its end.
void Guest::migrate(const Libvirtd& to) {
    const Domain domain(*host_, uuid_);
    const auto socket_after = [&](int migrations) {
        return workload_socket_of(shape()) + std::string(migrations % 2, '2');
    };
    std::string description = xml(VIR_DOMAIN_XML_MIGRATABLE);
    const std::string before = socket_after(migrations_) + "'",
                      socket = socket_after(++migrations_);
    description.replace(description.find(before), before.size(), socket + "'");

    virTypedParameterPtr parameters = nullptr;
    int count = 0, room = 0;
    virTypedParamsAddString(&parameters, &count, &room, VIR_MIGRATE_PARAM_URI,
                            "tcp:127.0.0.1:49160");
    virTypedParamsAddString(&parameters, &count, &room, VIR_MIGRATE_PARAM_DEST_XML,
                            description.c_str());
    virDomainPtr moved = virDomainMigrate3(domain.handle, to.connection(), parameters,
                                           static_cast<unsigned>(count), VIR_MIGRATE_LIVE);
    virTypedParamsFree(parameters, count);
    if (!moved) throw std::runtime_error(name() + " could not migrate: " + libvirt_error());
    virDomainFree(moved);
    host_ = &to;
    pid_ = host_->domain_pid(name());
    connect_workload(socket);
}

void Guest::plug(const std::string& device_xml) const {
    const Domain domain(*host_, uuid_);
    check(virDomainAttachDeviceFlags(domain.handle, device_xml.c_str(), VIR_DOMAIN_AFFECT_LIVE),
          name() + ": a device could not be plugged");
}

void Guest::set_vcpus(int count) const {
    const Domain domain(*host_, uuid_);
    check(
        virDomainSetVcpusFlags(domain.handle, static_cast<unsigned>(count), VIR_DOMAIN_AFFECT_LIVE),
        name() + ": the number of vCPUs could not be changed");
}

std::pair<std::unique_ptr<Guest>, std::unique_ptr<Guest>> start_both(const Libvirtd& host,
                                                                     const GuestShape& first,
                                                                     const GuestShape& second) {
    guest_initramfs();  // The first call writes the file that both boot.
    auto beside =
        std::async(std::launch::async, [&] { return std::make_unique<Guest>(host, second); });
    auto guest = std::make_unique<Guest>(host, first);
    return {std::move(guest), beside.get()};
}

}  // namespace vnuma::lab
