#include "guests/discovery/domain_events.hpp"

#include <array>
#include <exception>

namespace vnuma {
namespace {

using SharedHints = std::shared_ptr<DomainHints>;

void delete_hints(void* hints) {
    delete static_cast<SharedHints*>(hints);
}

// No exception may go through libvirt. A domain that cannot be noted, since there is no memory, is
// asked about at its next resync.
void note(virDomainPtr domain, void* hints) {
    try {
        std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
        if (virDomainGetUUIDString(domain, uuid.data()) == 0)
            (*static_cast<SharedHints*>(hints))->note(uuid.data());
    } catch (const std::exception&) {
        return;
    }
}

// A callback of libvirt's. `Details` say what has happened. They are not needed.
template <typename Result, typename... Details>
struct Callback {
    static Result run(virConnectPtr, virDomainPtr domain, Details..., void* hints) {
        note(domain, hints);
        return Result();
    }
};

struct EventKind {
    int id;
    virConnectDomainEventGenericCallback callback;
};

// `Type` is libvirt's type of the callback for this event. libvirt takes callbacks of all types as
// one, and casts them back.
template <typename Type>
EventKind kind(int id, Type callback) {
    const auto untyped = reinterpret_cast<void (*)()>(callback);
    return {id, reinterpret_cast<virConnectDomainEventGenericCallback>(untyped)};
}

// The events upon which the state, the job or the XML of a domain may be another one.
std::vector<EventKind> event_kinds() {
    std::vector<EventKind> kinds{
        kind<virConnectDomainEventCallback>(VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                            Callback<int, int, int>::run),
        kind<virConnectDomainEventGenericCallback>(VIR_DOMAIN_EVENT_ID_REBOOT, Callback<void>::run),
        kind<virConnectDomainEventDeviceAddedCallback>(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                                                       Callback<void, const char*>::run),
        kind<virConnectDomainEventDeviceRemovedCallback>(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
                                                         Callback<void, const char*>::run),
        kind<virConnectDomainEventBalloonChangeCallback>(VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
                                                         Callback<void, unsigned long long>::run),
        kind<virConnectDomainEventMetadataChangeCallback>(VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                                          Callback<void, int, const char*>::run),
        kind<virConnectDomainEventTunableCallback>(VIR_DOMAIN_EVENT_ID_TUNABLE,
                                                   Callback<void, virTypedParameterPtr, int>::run),
        kind<virConnectDomainEventJobCompletedCallback>(
            VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, Callback<void, virTypedParameterPtr, int>::run),
        // The first one tells that a migration has begun, while the guest still runs.
        kind<virConnectDomainEventMigrationIterationCallback>(
            VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, Callback<void, int>::run),
    };
#if LIBVIR_CHECK_VERSION(7, 9, 0)
    kinds.push_back(kind<virConnectDomainEventMemoryDeviceSizeChangeCallback>(
        VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
        Callback<void, const char*, unsigned long long>::run));
#endif
    return kinds;
}

}  // namespace

std::vector<int> register_domain_events(virConnectPtr connection, const SharedHints& hints) {
    std::vector<int> registrations;
    for (const EventKind& event : event_kinds()) {
        auto owned = std::make_unique<SharedHints>(hints);
        const int registration = virConnectDomainEventRegisterAny(
            connection, nullptr, event.id, event.callback, owned.get(), delete_hints);
        if (registration < 0) continue;
        static_cast<void>(owned.release());  // delete_hints() deletes it
        registrations.push_back(registration);
    }
    return registrations;
}

void deregister_domain_events(virConnectPtr connection, const std::vector<int>& registrations) {
    for (const int registration : registrations)
        virConnectDomainEventDeregisterAny(connection, registration);
}

}  // namespace vnuma
