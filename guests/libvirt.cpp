#include "guests/libvirt.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <cstdlib>
#include <optional>

namespace vnuma {
namespace {

struct DomainDeleter {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<std::remove_pointer_t<virDomainPtr>, DomainDeleter>;

[[noreturn]] void fail(const std::string& uri) {
    const virError* error = virGetLastError();
    throw LibvirtError("libvirt at " + uri + ": " +
                       (error && error->message ? error->message : "unknown error"));
}

std::string why_unsteady(virDomainPtr domain) {
    int state = 0;
    if (virDomainGetState(domain, &state, nullptr, 0) != 0) return "its state cannot be read";
    switch (state) {
        case VIR_DOMAIN_RUNNING:
            break;
        case VIR_DOMAIN_PAUSED:
            return "it is paused";
        case VIR_DOMAIN_SHUTDOWN:
            return "it is shutting down";
        case VIR_DOMAIN_CRASHED:
            return "it has crashed";
        case VIR_DOMAIN_PMSUSPENDED:
            return "it is suspended";
        default:
            return "it is not running";
    }
    virDomainJobInfo job{};
    if (virDomainGetJobInfo(domain, &job) != 0) return "its jobs cannot be read";
    if (job.type != VIR_DOMAIN_JOB_NONE) return "it is being migrated, saved or dumped";
    return "";
}

// Nothing for a domain that has vanished since it was listed; any other trouble is libvirt's.
std::optional<RunningDomain> describe(virDomainPtr domain, const std::string& uri) {
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    const char* name = virDomainGetName(domain);
    const std::unique_ptr<char, decltype(&std::free)> xml(virDomainGetXMLDesc(domain, 0),
                                                          std::free);
    if (!name || !xml || virDomainGetUUIDString(domain, uuid.data()) != 0) {
        if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) return std::nullopt;
        fail(uri);
    }
    return RunningDomain{uuid.data(), name, why_unsteady(domain), xml.get()};
}

}  // namespace

struct Libvirt::Connection {
    explicit Connection(const std::string& uri) : handle(virConnectOpen(uri.c_str())) {
        if (!handle) fail(uri);
    }
    ~Connection() { virConnectClose(handle); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    virConnectPtr handle;
};

Libvirt::Libvirt(std::string uri) : uri_(std::move(uri)) {
    // Its default is to print every error to stderr; ours carry the words where they belong.
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

Libvirt::~Libvirt() = default;

std::vector<RunningDomain> Libvirt::list() {
    if (!connection_) connection_ = std::make_unique<Connection>(uri_);
    virDomainPtr* handles = nullptr;
    const int count =
        virConnectListAllDomains(connection_->handle, &handles, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) {
        connection_.reset();
        fail(uri_);
    }
    std::vector<DomainHandle> domains(handles, handles + count);
    std::free(handles);
    std::vector<RunningDomain> running;
    try {
        for (const DomainHandle& domain : domains)
            if (auto description = describe(domain.get(), uri_))
                running.push_back(std::move(*description));
    } catch (const LibvirtError&) {
        // A list that ends in the middle would look as if guests had gone.
        domains.clear();
        connection_.reset();
        throw;
    }
    return running;
}

}  // namespace vnuma
