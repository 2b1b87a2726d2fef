#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/config/config.hpp"
#include "src/config/text_file.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

std::vector<std::string> problems_of_file(const std::string& file) {
    try {
        load_config(file);
    } catch (const ConfigError& error) {
        return error.problems;
    }
    return {};
}

TEST(ConfigFile, AFileThatCannotBeReadIsNamed) {
    EXPECT_EQ(
        problems_of_file("/no/such/file.conf"),
        std::vector<std::string>{"/no/such/file.conf: cannot be read: No such file or directory"});
}

TEST(ConfigFile, OnlyARegularFileIsReadAndNoneHoldsUpTheStart) {
    const test::TemporaryDirectory directory;
    const std::string fifo = directory.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    for (const std::string& file :
         {std::string("/dev/zero"), std::string("/dev/null"), std::string("/"), fifo})
        EXPECT_EQ(problems_of_file(file), std::vector<std::string>{file + ": is no regular file"});
}

TEST(ConfigFile, AFileOfMoreThanOneMebibyteIsNotRead) {
    const test::TemporaryDirectory directory;
    const std::string comment(max_text_bytes - 1, '#');
    directory.write("f.conf", comment + "\n");
    EXPECT_TRUE(problems_of_file(directory.path("f.conf")).empty());
    directory.write("f.conf", comment + "#\n");
    EXPECT_EQ(problems_of_file(directory.path("f.conf")),
              std::vector<std::string>{directory.path("f.conf") + ": is larger than 1 MiB"});
}

}  // namespace
}  // namespace vnuma
