#include "guests/discovery/libvirt_write_rate.hpp"
#include "guests/discovery/guest_source.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

// Fields as libvirt 9.0 sends them.
class Fields {
  public:
    // Without this call, libvirt's error functions use a thread-local key that is not theirs.
    Fields() { virInitialize(); }
    ~Fields() { virTypedParamsFree(fields_, count_); }
    Fields& add(const char* name, int value) {
        virTypedParamsAddInt(&fields_, &count_, &room_, name, value);
        return *this;
    }
    Fields& add(const char* name, long long value) {
        virTypedParamsAddLLong(&fields_, &count_, &room_, name, value);
        return *this;
    }
    Fields& add(const char* name, unsigned long long value) {
        virTypedParamsAddULLong(&fields_, &count_, &room_, name, value);
        return *this;
    }
    Fields& add(const char* name, const char* value) {
        virTypedParamsAddString(&fields_, &count_, &room_, name, value);
        return *this;
    }
    WriteMeasurement read() { return write_measurement_of(fields_, count_); }

  private:
    virTypedParameterPtr fields_ = nullptr;
    int count_ = 0, room_ = 0;
};

TEST(WriteMeasurementOf, ADomainWithADirtyRingHasARateForEachVcpu) {
    const WriteMeasurement measured = Fields()
                                          .add("dirtyrate.calc_status", 2)
                                          .add("dirtyrate.calc_start_time", 1234LL)
                                          .add("dirtyrate.calc_period", 3)
                                          .add("dirtyrate.megabytes_per_second", 108LL)
                                          .add("dirtyrate.calc_mode", "dirty-ring")
                                          .add("dirtyrate.vcpu.0.megabytes_per_second", 100ULL)
                                          .add("dirtyrate.vcpu.11.megabytes_per_second", 8ULL)
                                          .read();
    EXPECT_EQ(measured.state, WriteMeasurement::State::done);
    EXPECT_EQ(measured.mode, "dirty-ring");
    EXPECT_EQ(measured.duration, std::chrono::seconds(3));
    EXPECT_EQ(measured.mib_per_s, 108U);
    EXPECT_EQ(measured.by_vcpu, (std::map<int, std::uint64_t>{{0, 100}, {11, 8}}));
}

TEST(WriteMeasurementOf, AMeasurementThatIsNotDoneHasNoRate) {
    const WriteMeasurement running = Fields().add("dirtyrate.calc_status", 1).read();
    EXPECT_EQ(running.state, WriteMeasurement::State::running);
    EXPECT_EQ(running.mib_per_s, std::nullopt);
    EXPECT_EQ(Fields().add("dirtyrate.calc_status", 0).read().state, WriteMeasurement::State::none);
}

TEST(WriteMeasurementOf, FieldsThatAreNoRatesAreLeftOut) {
    const WriteMeasurement measured =
        Fields()
            .add("dirtyrate.calc_status", 2)
            .add("dirtyrate.megabytes_per_second", -1LL)
            .add("dirtyrate.vcpu.x.megabytes_per_second", 1LL)
            .add("dirtyrate.vcpu..megabytes_per_second", 1LL)
            .add("dirtyrate.vcpu.-1.megabytes_per_second", 1LL)
            .add("dirtyrate.vcpu.99999999999.megabytes_per_second", 1LL)
            .add("dirtyrate.vcpu.1.megabytes_per_second", "many")
            .add("dirtyrate.vcpu.2.megabytes_per_second", -1LL)
            .read();
    EXPECT_EQ(measured.mib_per_s, std::nullopt);
    EXPECT_TRUE(measured.by_vcpu.empty());
}

TEST(WriteMeasurementOf, MissingFieldsAreAnError) {
    EXPECT_THROW(Fields().read(), MonitorError);
    EXPECT_THROW(Fields().add("dirtyrate.calc_status", "measured").read(), MonitorError);
}

}  // namespace
}  // namespace vnuma
