#include "guests/discovery/libvirt_write_rate.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/libvirt_monitor.hpp"

namespace vnuma {
namespace {

using State = WriteMeasurement::State;

constexpr int max_fields = 16'384;  // a field for each vCPU (max_vcpus) and a few more
constexpr std::string_view guest_field = "dirtyrate.megabytes_per_second";
constexpr std::string_view vcpu_prefix = "dirtyrate.vcpu.", rate_suffix = ".megabytes_per_second";

// Returns 3 for the field "dirtyrate.vcpu.3.megabytes_per_second".
std::optional<int> vcpu_of(std::string_view field) {
    if (!field.starts_with(vcpu_prefix) || !field.ends_with(rate_suffix)) return std::nullopt;
    field.remove_prefix(vcpu_prefix.size());
    field.remove_suffix(rate_suffix.size());
    int vcpu = -1;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), vcpu);
    if (error != std::errc() || end != field.data() + field.size() || vcpu < 0) return std::nullopt;
    return vcpu;
}

// libvirt 9.0 sends a signed rate for the guest, because QEMU reports -1 for an unknown one, and
// unsigned rates for vCPUs.
std::optional<std::uint64_t> rate_of(const virTypedParameter& field) {
    if (field.type == VIR_TYPED_PARAM_ULLONG) return field.value.ul;
    if (field.type != VIR_TYPED_PARAM_LLONG || field.value.l < 0) return std::nullopt;
    return static_cast<std::uint64_t>(field.value.l);
}

}  // namespace

WriteMeasurement write_measurement_of(virTypedParameterPtr fields, int count) {
    int status = -1, seconds = 0;
    if (count > max_fields ||
        virTypedParamsGetInt(fields, count, "dirtyrate.calc_status", &status) != 1)
        throw MonitorError("libvirt does not report how fast the guest writes its memory");
    WriteMeasurement measurement;
    measurement.state = status == VIR_DOMAIN_DIRTYRATE_MEASURING  ? State::running
                        : status == VIR_DOMAIN_DIRTYRATE_MEASURED ? State::done
                                                                  : State::none;
    const char* mode = nullptr;
    if (virTypedParamsGetString(fields, count, "dirtyrate.calc_mode", &mode) == 1)
        measurement.mode = mode;
    if (virTypedParamsGetInt(fields, count, "dirtyrate.calc_period", &seconds) == 1)
        measurement.duration = std::chrono::seconds(seconds);
    for (int i = 0; i < count; ++i) {
        if (fields[i].field == guest_field) measurement.mib_per_s = rate_of(fields[i]);
        const auto vcpu = vcpu_of(fields[i].field);
        const auto rate = vcpu ? rate_of(fields[i]) : std::nullopt;
        if (rate) measurement.by_vcpu[*vcpu] = *rate;
    }
    return measurement;
}

bool start_write_measurement_by(virConnectPtr connection, const std::string& uuid,
                                std::chrono::seconds duration, bool dirty_ring) {
    // Checked first, because libvirt has no error code for a measurement that runs already.
    if (read_write_measurement_by(connection, uuid).state == State::running) return false;
    const unsigned mode =
        dirty_ring ? VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING : VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING;
    if (virDomainStartDirtyRateCalc(find_domain(connection, uuid).get(),
                                    static_cast<int>(duration.count()), mode) != 0)
        throw MonitorError("libvirt: " + libvirt_error());
    return true;
}

WriteMeasurement read_write_measurement_by(virConnectPtr connection, const std::string& uuid) {
    const DomainHandle domain = find_domain(connection, uuid);
    std::array<virDomainPtr, 2> domains{domain.get(), nullptr};
    virDomainStatsRecordPtr* records = nullptr;
    const int count =
        virDomainListGetStats(domains.data(), VIR_DOMAIN_STATS_DIRTYRATE, &records, 0);
    if (count < 0) throw MonitorError("libvirt: " + libvirt_error());
    const std::unique_ptr<virDomainStatsRecordPtr, decltype(&virDomainStatsRecordListFree)> owned(
        records, virDomainStatsRecordListFree);
    return count == 0 ? write_measurement_of(nullptr, 0)
                      : write_measurement_of(records[0]->params, records[0]->nparams);
}

}  // namespace vnuma
