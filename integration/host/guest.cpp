#include "integration/host/guest.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/lab/archive.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* workload_initramfs = "/run/lab/guest.cpio";
constexpr seconds boot_limit{90};
constexpr seconds touch_limit{120};
constexpr int settled_reports = 2;
// A guest's kernel patches its code while it boots, on emulated CPUs, without the module that makes
// this safe for the host (docs/lab.md).
constexpr int max_boot_attempts = 3;

struct BootFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

int vcpus_of(const GuestShape& shape) {
    int vcpus = 0;
    for (const GuestCell& cell : shape.cells)
        vcpus += cell.vcpus;
    return vcpus;
}

int mib_of(const GuestShape& shape) {
    int mib = 0;
    for (const GuestCell& cell : shape.cells)
        mib += cell.mib;
    return mib;
}

std::string buffer_name(int vcpu) {
    return "vcpu" + std::to_string(vcpu);
}

// The workload sits beside the program that runs the scenario.
std::string workload_file() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "guest-workload";
}

std::string prepare_initramfs() {
    if (!std::filesystem::exists(workload_initramfs)) {
        std::filesystem::create_directories("/run/lab");
        write_initramfs(workload_initramfs, {{"init", read_compressed(workload_file())}});
    }
    return workload_initramfs;
}

json own_buffer_for_each_vcpu(const GuestShape& shape, int duty_percent) {
    json pattern{{"buffers", json::object()}, {"threads", json::array()}};
    for (int vcpu = 0; vcpu < vcpus_of(shape); ++vcpu) {
        pattern["buffers"][buffer_name(vcpu)] = shape.buffer_mib;
        pattern["threads"].push_back({{"cpu", vcpu},
                                      {"buffer", buffer_name(vcpu)},
                                      {"write", shape.write},
                                      {"duty_percent", duty_percent}});
    }
    return pattern;
}

}  // namespace

std::string domain_xml(const GuestShape& shape, const std::string& kernel,
                       const std::string& initramfs, const std::string& socket) {
    std::ostringstream xml;
    xml << "<domain type='kvm'><name>" << shape.name << "</name><memory unit='MiB'>"
        << mib_of(shape) << "</memory><vcpu>" << vcpus_of(shape) << "</vcpu>" << shape.numatune
        << "<os><type arch='x86_64' machine='q35'>hvm</type><kernel>" << kernel
        << "</kernel><initrd>" << initramfs
        << "</initrd><cmdline>console=ttyS0 quiet panic=-1 mitigations=off nokaslr "
           "numa_balancing=disable</cmdline></os><features><acpi/><apic/></features>"
        << "<cpu mode='host-passthrough'>";
    if (shape.cells.size() > 1) {
        xml << "<numa>";
        int first = 0;
        for (std::size_t id = 0; id < shape.cells.size(); ++id) {
            const GuestCell& cell = shape.cells[id];
            xml << "<cell id='" << id << "' cpus='" << first << "-" << first + cell.vcpus - 1
                << "' memory='" << cell.mib << "' unit='MiB'/>";
            first += cell.vcpus;
        }
        xml << "</numa>";
    }
    xml << "</cpu><on_crash>destroy</on_crash><on_reboot>destroy</on_reboot>"
        << "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>"
        << "<controller type='usb' model='none'/><memballoon model='none'/>"
        << "<serial type='file'><source path='/run/lab/" << shape.name << ".console'/></serial>"
        << "<channel type='unix'><source mode='bind' path='" << socket
        << "'/><target type='virtio' name='org.vnumad.guest'/></channel></devices></domain>";
    return xml.str();
}

Guest::Guest(const LibvirtHost& host, GuestShape shape) : shape_(std::move(shape)) {
    for (int attempt = 1; !start(host, attempt == max_boot_attempts); ++attempt)
        std::cerr << "lab: starting " << shape_.name << " again\n";
}

Guest::~Guest() {
    destroy();
}

bool Guest::start(const LibvirtHost& host, bool last_attempt) {
    try {
        boot(host);
        return true;
    } catch (const BootFailure& failure) {
        destroy();
        if (last_attempt) throw;
        std::cerr << "lab: " << failure.what() << "\n";
        return false;
    } catch (...) {
        destroy();
        throw;
    }
}

void Guest::boot(const LibvirtHost& host) {
    const char* kernel = std::getenv("VNUMA_LAB_KERNEL");
    if (!kernel) throw std::runtime_error("VNUMA_LAB_KERNEL is not set: run this in vnuma-lab");
    const std::string socket = "/run/lab/" + shape_.name + ".sock";
    const std::string xml = domain_xml(shape_, kernel, prepare_initramfs(), socket);
    domain_ = virDomainCreateXML(host.connection(), xml.c_str(), VIR_DOMAIN_START_PAUSED);
    if (!domain_) throw std::runtime_error(shape_.name + " did not start: " + libvirt_error());
    pid_ = domain_pid(shape_.name);
    confine(true);
    if (virDomainResume(domain_) != 0)
        throw std::runtime_error(shape_.name + " did not resume: " + libvirt_error());
    connect_workload();
    touch_everything();
    confine(false);
}

void Guest::destroy() {
    if (port_ >= 0) ::close(port_);
    port_ = -1;
    input_.clear();
    if (!domain_) return;
    virDomainDestroy(domain_);
    virDomainFree(domain_);
    domain_ = nullptr;
}

void Guest::confine(bool to_first_touch_nodes) const {
    std::vector<int> everywhere;
    for (int node : online_nodes())
        for (int cpu : node_cpus(node))
            everywhere.push_back(cpu);
    const auto& nodes = shape_.first_touch_nodes;
    const auto cpus_for = [&](std::size_t index) {
        return to_first_touch_nodes && !nodes.empty() ? node_cpus(nodes[index % nodes.size()])
                                                      : everywhere;
    };
    for (pid_t task : tasks_of(pid_))
        set_affinity(task, cpus_for(0));
    for (const auto& [vcpu, task] : vcpu_threads(pid_))
        set_affinity(task, cpus_for(static_cast<std::size_t>(vcpu)));
}

void Guest::connect_workload() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/run/lab/" + shape_.name + ".sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    port_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(port_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(path + ": cannot connect");
    if (read_message(boot_limit).is_null())
        throw BootFailure(shape_.name + " did not come up:\n" +
                          read_text("/run/lab/" + shape_.name + ".console") +
                          read_text("/var/log/libvirt/qemu/" + shape_.name + ".log"));
}

void Guest::touch_everything() {
    send(own_buffer_for_each_vcpu(shape_, shape_.duty_percent));
    const std::int64_t pages = std::int64_t{shape_.buffer_mib} * 256;
    std::map<int, std::int64_t> touched;
    int settled = 0;
    const bool done = wait_until(
        [&] {
            const json report = next_report(boot_limit);
            if (report.is_null()) throw std::runtime_error(shape_.name + " fell silent");
            bool all = report["threads"].size() == static_cast<std::size_t>(vcpus_of(shape_));
            for (const json& thread : report["threads"]) {
                auto& count = touched[thread["cpu"]];
                count += thread["touches"].get<std::int64_t>();
                all = all && count >= pages;
            }
            settled += all ? 1 : 0;
            return settled >= settled_reports;
        },
        touch_limit);
    if (!done) throw std::runtime_error(shape_.name + " did not touch its buffers in time");
}

void Guest::send(const json& pattern) {
    const std::string line = pattern.dump() + "\n";
    if (::send(port_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        throw std::runtime_error(shape_.name + ": the workload's port is closed");
}

json Guest::read_message(seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (true) {
        if (const std::size_t newline = input_.find('\n'); newline != std::string::npos) {
            json message = json::parse(input_.substr(0, newline), nullptr, false);
            input_.erase(0, newline + 1);
            if (message.is_object()) return message;
            continue;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        pollfd poll_port{port_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&poll_port, 1, static_cast<int>(left.count())) <= 0)
            return nullptr;
        std::array<char, 16384> chunk{};
        const ssize_t size = ::read(port_, chunk.data(), chunk.size());
        if (size <= 0) return nullptr;
        input_.append(chunk.data(), static_cast<std::size_t>(size));
    }
}

json Guest::next_report(seconds limit) {
    while (true) {
        json message = read_message(limit);
        if (message.is_null() || message.contains("second")) return message;
        if (message.contains("error"))
            throw std::runtime_error(shape_.name + ": " + message["error"].get<std::string>());
    }
}

}  // namespace vnuma::lab
