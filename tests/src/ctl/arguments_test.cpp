#include "src/ctl/arguments.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "src/ctl/context.hpp"

namespace vnuma::ctl {
namespace {

std::string refusal_of(const std::function<void()>& read) {
    try {
        read();
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

TEST(Arguments, AreReadWithTheirUnits) {
    EXPECT_EQ(read_size("--memory", "4G"), Bytes{4} << 30);
    EXPECT_EQ(read_duration("--for", "1h30m"), 5'400'000);
    EXPECT_EQ(read_since("--since", "90s", 100'000), 10'000);
}

TEST(Arguments, ARefusalNamesTheOptionAndWhatItTakes) {
    EXPECT_EQ(refusal_of([] { read_size("--memory", "4X"); }),
              "--memory 4X: must be a size with a unit: \"512M\", \"4GiB\"");
    EXPECT_EQ(refusal_of([] { read_duration("--for", "soon"); }),
              "--for soon: must be a duration: \"90s\", \"10min\", \"1h30m\", \"2d\"");
    EXPECT_EQ(refusal_of([] {
                  read_since("--since", "never", 0);
              }).find("--since never: must be a duration (\"90s\""),
              0u);
}

TEST(Arguments, NothingIsNeitherASizeNorADuration) {
    EXPECT_NE(refusal_of([] { read_size("--memory", "0G"); }), "");
    EXPECT_NE(refusal_of([] { read_duration("--for", "0s"); }), "");
    EXPECT_EQ(refusal_of([] { read_since("--since", "0s", 5); }), "") << "now is a time";
}

}  // namespace
}  // namespace vnuma::ctl
