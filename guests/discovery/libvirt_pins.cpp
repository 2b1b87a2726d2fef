#include "guests/discovery/libvirt_pins.hpp"

#include <algorithm>
#include <cstdlib>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_monitor.hpp"

namespace vnuma {
namespace {

// The key of the call that connects.
constexpr const char* connection_key = "";

// How often a call is made anew after its connection has ended, as when libvirtd was restarted.
constexpr int max_attempts = 2;

using CpuMap = std::vector<unsigned char>;

PinReply refused() {
    return {"libvirt: " + libvirt_error()};
}

std::vector<int> to_cpus(const unsigned char* map, std::size_t bytes) {
    std::vector<int> cpus;
    for (std::size_t cpu = 0; cpu < bytes * 8; ++cpu)
        if (VIR_CPU_USED(map, cpu)) cpus.push_back(static_cast<int>(cpu));
    return cpus;
}

CpuMap to_map(const std::vector<int>& cpus) {
    CpuMap map(VIR_CPU_MAPLEN(static_cast<std::size_t>(cpus.empty() ? 0 : cpus.back()) + 1));
    for (const int cpu : cpus)
        VIR_USE_CPU(map, static_cast<std::size_t>(cpu));
    return map;
}

// Of all iothreads, since libvirt tells of all or none.
PinReply read_iothread(virDomainPtr domain, int id) {
    virDomainIOThreadInfoPtr* all = nullptr;
    const int count = virDomainGetIOThreadInfo(domain, &all, VIR_DOMAIN_AFFECT_LIVE);
    if (count < 0) return refused();
    PinReply reply{"libvirt knows no iothread " + std::to_string(id)};
    for (int i = 0; i < count; ++i) {
        if (static_cast<int>(all[i]->iothread_id) == id)
            reply = {"", true,
                     to_cpus(all[i]->cpumap, static_cast<std::size_t>(all[i]->cpumaplen))};
        virDomainIOThreadInfoFree(all[i]);
    }
    std::free(all);
    return reply;
}

PinReply read_pin(virConnectPtr connection, virDomainPtr domain, DomainThread thread) {
    if (thread.role == DomainThread::Role::iothread) return read_iothread(domain, thread.id);
    const int host_cpus = virNodeGetCPUMap(connection, nullptr, nullptr, 0);
    if (host_cpus <= 0) return refused();
    const int bytes = VIR_CPU_MAPLEN(host_cpus);
    const std::size_t index = static_cast<std::size_t>(thread.id);
    CpuMap maps((index + 1) * static_cast<std::size_t>(bytes));
    const int told =
        thread.role == DomainThread::Role::emulator
            ? virDomainGetEmulatorPinInfo(domain, maps.data(), bytes, VIR_DOMAIN_AFFECT_LIVE)
            : virDomainGetVcpuPinInfo(domain, thread.id + 1, maps.data(), bytes,
                                      VIR_DOMAIN_AFFECT_LIVE);
    if (told < 0) return refused();
    if (told <= thread.id) return {"libvirt knows no vCPU " + std::to_string(thread.id)};
    const auto* map = maps.data() + index * static_cast<std::size_t>(bytes);
    return {"", true, to_cpus(map, static_cast<std::size_t>(bytes))};
}

PinReply set_pin(virDomainPtr domain, DomainThread thread, CpuMap map) {
    const int bytes = static_cast<int>(map.size());
    const auto id = static_cast<unsigned>(thread.id);
    int result = -1;
    switch (thread.role) {
        case DomainThread::Role::vcpu:
            result = virDomainPinVcpuFlags(domain, id, map.data(), bytes, VIR_DOMAIN_AFFECT_LIVE);
            break;
        case DomainThread::Role::emulator:
            result = virDomainPinEmulator(domain, map.data(), bytes, VIR_DOMAIN_AFFECT_LIVE);
            break;
        case DomainThread::Role::iothread:
            result = virDomainPinIOThread(domain, id, map.data(), bytes, VIR_DOMAIN_AFFECT_LIVE);
            break;
    }
    return result < 0 ? refused() : PinReply();
}

}  // namespace

LibvirtPins::LibvirtPins(std::string uri, Now now, CallsWithTimeout::Wait wait)
    : uri_(std::move(uri)),
      now_(std::move(now)),
      calls_(std::make_unique<CallsWithTimeout>(std::move(wait))) {
    keep_libvirt_errors_off_stderr();
}

// Its destructor would wait for calls that hang, for ever. They own all that they use.
LibvirtPins::~LibvirtPins() {
    if (calls_->hung() > 0) static_cast<void>(calls_.release());
}

PinReply LibvirtPins::read(const std::string& uuid, DomainThread thread) {
    return call(uuid, [uuid, thread](virConnectPtr connection) {
        return read_pin(connection, find_domain(connection, uuid).get(), thread);
    });
}

PinReply LibvirtPins::set(const std::string& uuid, DomainThread thread,
                          const std::vector<int>& cpus) {
    return call(uuid, [uuid, thread, map = to_map(cpus)](virConnectPtr connection) {
        return set_pin(find_domain(connection, uuid).get(), thread, map);
    });
}

// Returns why there is no connection, or an empty string.
std::string LibvirtPins::connect() {
    if (connection_ && connection_->alive()) return "";
    connection_.reset();
    if (!reconnect_.is_due(now_())) return last_failure_;
    try {
        const auto opened = calls_->run(
            connection_key, [uri = uri_] { return std::make_shared<LibvirtConnection>(uri); },
            libvirt_limits::connect);
        if (opened) connection_ = *opened;
        last_failure_ = opened ? "" : "libvirt at " + uri_ + " does not answer";
    } catch (const SourceError& error) {
        last_failure_ = error.what();
    }
    if (connection_)
        reconnect_.succeed();
    else
        reconnect_.fail(now_());
    return last_failure_;
}

PinReply LibvirtPins::call(const std::string& uuid, const Call& make) {
    if (calls_->hangs(uuid) || calls_->hung() >= CallsWithTimeout::max_at_once)
        return {"libvirt has not returned from an earlier call"};
    PinReply reply;
    for (int attempt = 1; attempt <= max_attempts; ++attempt) {
        if (std::string failure = connect(); !failure.empty()) return {std::move(failure)};
        const auto ask = [connection = connection_, make]() -> PinReply {
            try {
                return make(connection->get());
            } catch (const MonitorError& error) {
                return {error.what()};
            }
        };
        auto answer = calls_->run(uuid, ask, libvirt_limits::pin);
        if (!answer)
            return {"libvirt has not answered within " +
                        std::to_string(libvirt_limits::pin.count()) + " ms",
                    false};
        reply = std::move(*answer);
        // Setting the same pin twice does no harm.
        if (reply.error.empty() || virConnectIsAlive(connection_->get()) == 1) break;
        connection_.reset();
    }
    return reply;
}

}  // namespace vnuma
