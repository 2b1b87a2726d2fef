#include "integration/host/vcpu_activity.hpp"

#include <gtest/gtest.h>

namespace vnuma::lab {
namespace {

// Of a guest with 192 MiB whose second vCPU was stuck.
TEST(VcpuActivity, TellsAVcpuThatHasTheStateOfTheHost) {
    const std::string right =
        "CPU#0\nRIP=ffffffff81ce5fff RFL=00000212 [----A--] CPL=0 II=0 A20=1 SMM=0 HLT=1\n"
        "CR0=80050033 CR2=00007f669e1ff000 CR3=00000000054a8000 CR4=003506f0\n";
    const std::string wrong =
        "CPU#1\nRIP=ffffffffc06bec50 RFL=00010246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0\n"
        "CR0=80050033 CR2=ffffffffc06bec50 CR3=0000000102f54000 CR4=003506f0\n";
    constexpr std::uint64_t bytes = 192 << 20;
    EXPECT_FALSE(has_state_of_host("", bytes));
    EXPECT_FALSE(has_state_of_host(right, bytes));
    EXPECT_TRUE(has_state_of_host(right + wrong, bytes));
    EXPECT_TRUE(has_state_of_host("CR0=80050033 CR2=00000000 CR3=7fb12000 CR4=00000000\n", bytes));
}

}  // namespace
}  // namespace vnuma::lab
