#include "guests/tracking/attribution/fault_event.hpp"

#include "guests/bpf/kernel_types.hpp"

namespace vnuma {
namespace {

constexpr const char* tracepoint = "btf_trace_kvm_page_fault";
// The tracepoint's own three, after a pointer to the data of the attached function.
constexpr int tracepoint_parameters = 4;

std::optional<FaultEvent> find_fields(const btf* types, const btf_type* vcpu) {
    const auto id = find_field(types, vcpu, "vcpu_id");
    if (!id || !is_integer(types, id->type, sizeof(int))) return std::nullopt;
    FaultEvent event{.vcpu_id = id->offset};
    const auto statistics = find_field(types, vcpu, "stat");
    if (!statistics) return event;
    const auto mode = find_field(types, resolve_type(types, statistics->type), "guest_mode");
    if (mode && is_integer(types, mode->type, sizeof(std::uint64_t)))
        event.guest_mode = statistics->offset + mode->offset;
    return event;
}

}  // namespace

std::optional<FaultEvent> find_fault_event(const btf* types, std::string& why_not) {
    const int id = btf__find_by_name_kind(types, tracepoint, BTF_KIND_TYPEDEF);
    if (id < 0) {
        why_not = "this kernel's KVM has no tracepoint kvm_page_fault";
        return std::nullopt;
    }
    const btf_type* prototype = pointed_to(types, static_cast<std::uint32_t>(id));
    why_not =
        "the tracepoint kvm_page_fault has other parameters than known (before Linux 5.19 it does "
        "not name the vCPU)";
    if (!prototype || !btf_is_func_proto(prototype) || btf_vlen(prototype) != tracepoint_parameters)
        return std::nullopt;
    const btf_param* parameters = btf_params(prototype);
    if (!is_integer(types, parameters[2].type, sizeof(std::uint64_t)) ||
        !is_integer(types, parameters[3].type, sizeof(std::uint64_t)))
        return std::nullopt;
    const auto event = find_fields(types, pointed_to(types, parameters[1].type));
    if (event) why_not.clear();
    return event;
}

std::optional<FaultEvent> read_fault_event(std::string& why_not) {
    const auto types = read_kvm_types(why_not);
    return types ? find_fault_event(types->get(), why_not) : std::nullopt;
}

}  // namespace vnuma
