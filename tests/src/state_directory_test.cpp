#include "src/state_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class StateDirectoryTest : public ::testing::Test {
  protected:
    test::TemporaryDirectory directory;
    const std::string state = directory.path("state");
};

TEST_F(StateDirectoryTest, IsCreatedOnce) {
    prepare_state_directory(state);
    prepare_state_directory(state);
    EXPECT_EQ(::access(state.c_str(), W_OK), 0);
}

TEST_F(StateDirectoryTest, IsRefusedIfOthersMayChangeIt) {
    prepare_state_directory(state);
    ::chmod(state.c_str(), 0777);
    EXPECT_THROW(prepare_state_directory(state), StateError);
    directory.link("/tmp", "link");
    EXPECT_THROW(prepare_state_directory(directory.path("link")), StateError);
}

TEST_F(StateDirectoryTest, OneVnumadAtATimeActsAndTheOtherIsTold) {
    prepare_state_directory(state);
    {
        const InstanceLock first(state);
        try {
            const InstanceLock second(state);
            FAIL() << "both act";
        } catch (const StateError& error) {
            EXPECT_NE(std::string(error.what()).find(std::to_string(::getpid())), std::string::npos)
                << error.what();
        }
    }
    const InstanceLock next(state);
}

}  // namespace
}  // namespace vnuma
