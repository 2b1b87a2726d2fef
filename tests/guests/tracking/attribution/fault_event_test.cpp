#include "guests/tracking/attribution/fault_event.hpp"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace vnuma {
namespace {

constexpr int id_offset = 40, statistics_offset = 512, mode_offset = 24;

// Builds the types of a kernel, as far as they matter here.
class Types {
  public:
    Types() : types_(btf__new_empty(), &btf__free) {
        wide_ = btf__add_int(get(), "long long unsigned int", 8, 0);
        narrow_ = btf__add_int(get(), "int", 4, BTF_INT_SIGNED);
        anything_ = btf__add_ptr(get(), 0);
    }
    btf* get() const { return types_.get(); }
    int wide() const { return btf__add_typedef(get(), "u64", wide_); }
    int narrow() const { return narrow_; }

    int add_vcpu(const char* id, bool with_mode) const {
        btf__add_struct(get(), "kvm_vcpu_stat", 64);
        if (with_mode) btf__add_field(get(), "guest_mode", wide_, mode_offset * 8, 0);
        const int statistics = static_cast<int>(btf__type_cnt(get())) - 1;
        const int vcpu = btf__add_struct(get(), "kvm_vcpu", 1024);
        btf__add_field(get(), id, narrow_, id_offset * 8, 0);
        btf__add_field(get(), "stat", statistics, statistics_offset * 8, 0);
        return btf__add_ptr(get(), vcpu);
    }
    void add_tracepoint(const std::vector<int>& parameters) const {
        const int prototype = btf__add_func_proto(get(), 0);
        btf__add_func_param(get(), "", anything_);
        for (const int parameter : parameters)
            btf__add_func_param(get(), "", parameter);
        btf__add_typedef(get(), "btf_trace_kvm_page_fault", btf__add_ptr(get(), prototype));
    }

  private:
    std::unique_ptr<btf, decltype(&btf__free)> types_;
    int wide_ = 0, narrow_ = 0, anything_ = 0;
};

std::optional<FaultEvent> find(const Types& types, std::string& why_not) {
    auto event = find_fault_event(types.get(), why_not);
    EXPECT_EQ(event.has_value(), why_not.empty()) << why_not;
    return event;
}

TEST(FindFaultEvent, FindsTheOffsetsOfTheFields) {
    const Types types;
    types.add_tracepoint({types.add_vcpu("vcpu_id", true), types.wide(), types.wide()});
    std::string why_not = "set by an earlier call";
    EXPECT_EQ(find(types, why_not), (FaultEvent{id_offset, statistics_offset + mode_offset}));
}

TEST(FindFaultEvent, WorksWithoutTheFieldOfTheGuestMode) {
    const Types types;
    types.add_tracepoint({types.add_vcpu("vcpu_id", false), types.wide(), types.wide()});
    std::string why_not;
    EXPECT_EQ(find(types, why_not), (FaultEvent{id_offset, 0}));
}

TEST(FindFaultEvent, RefusesTheParametersOfOlderKernels) {
    const Types types;
    types.add_tracepoint({types.wide(), types.narrow()});
    std::string why_not;
    EXPECT_EQ(find(types, why_not), std::nullopt);
    EXPECT_NE(why_not.find("5.19"), std::string::npos) << why_not;
}

TEST(FindFaultEvent, RefusesUnknownParametersAndFields) {
    std::string why_not;
    const Types empty;
    EXPECT_EQ(find(empty, why_not), std::nullopt);
    const Types narrow;
    narrow.add_tracepoint({narrow.add_vcpu("vcpu_id", true), narrow.wide(), narrow.narrow()});
    EXPECT_EQ(find(narrow, why_not), std::nullopt);
    const Types no_vcpu;
    no_vcpu.add_tracepoint({no_vcpu.wide(), no_vcpu.wide(), no_vcpu.wide()});
    EXPECT_EQ(find(no_vcpu, why_not), std::nullopt);
    const Types no_id;
    no_id.add_tracepoint({no_id.add_vcpu("id", true), no_id.wide(), no_id.wide()});
    EXPECT_EQ(find(no_id, why_not), std::nullopt);
}

}  // namespace
}  // namespace vnuma
