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

TEST(ConfigFile, DropInsWinKeyByKeyInTheOrderOfTheirNames) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf",
                    "mode = \"act\"\ninterval = \"3s\"\n[memory]\nrate = \"1G\"\n"
                    "[guest.web1]\npriority = 5\nnodes = \"0\"\n");
    directory.write("f.conf.d/20-b.conf", "mode = \"observe\"\n[guest.web1]\npriority = 7\n");
    directory.write("f.conf.d/10-a.conf", "mode = \"advise\"\n[memory]\nrate = \"2G\"\n");
    const Config config = load_config(directory.path("f.conf"));
    EXPECT_EQ(config.mode, Mode::observe);
    EXPECT_EQ(config.interval, std::chrono::seconds(3));
    EXPECT_EQ(config.planner.pace, 2048 * mib);
    EXPECT_EQ(config.policy.guests.at("web1").priority, 7);
    EXPECT_EQ(config.policy.guests.at("web1").nodes, std::vector<int>{0});
}

TEST(ConfigFile, OnlyFilesThatEndInConfAreDropIns) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "");
    for (const char* name : {"a.conf.bak", ".a.conf", "README", "a.conf~"})
        directory.write(std::string("f.conf.d/") + name, "nonsense");
    EXPECT_TRUE(problems_of_file(directory.path("f.conf")).empty());
}

TEST(ConfigFile, AGuestMayBeInAGroupOfALaterDropIn) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "[guest.web1]\ngroup = \"web\"\n");
    EXPECT_EQ(problems_of_file(directory.path("f.conf")).size(), 1u);
    directory.write("f.conf.d/a.conf", "[group.web]\narrangement = \"apart\"\n");
    EXPECT_TRUE(problems_of_file(directory.path("f.conf")).empty());
}

TEST(ConfigFile, TheProblemsOfAllFilesNameFileAndLine) {
    const test::TemporaryDirectory directory;
    const std::string main = directory.path("f.conf"), drop_in = directory.path("f.conf.d/a.conf");
    directory.write("f.conf", "\nmode = \"acto\"\n");
    directory.write("f.conf.d/a.conf", "colour = 1\n");
    const auto problems = problems_of_file(main);
    ASSERT_EQ(problems.size(), 2u);
    EXPECT_TRUE(problems[0].starts_with(main + ":2: mode: must be one of")) << problems[0];
    EXPECT_EQ(problems[1], drop_in + ":1: colour: unknown key");
}

TEST(ConfigFile, AProblemOfTwoKeysIsToldWhereOneWasSetLast) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "pin = \"libvirt\"\n");
    directory.write("f.conf.d/a.conf", "\n\non_stop = \"keep\"\n");
    const auto problems = problems_of_file(directory.path("f.conf"));
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_TRUE(problems[0].starts_with(directory.path("f.conf.d/a.conf") + ":3: on_stop: "))
        << problems[0];
}

TEST(ConfigFile, ADropInThatIsNoTomlIsTheOnlyProblem) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "[guest.web1]\ngroup = \"web\"\n");
    directory.write("f.conf.d/a.conf", "[group.web\n");
    const auto problems = problems_of_file(directory.path("f.conf"));
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_TRUE(problems[0].starts_with(directory.path("f.conf.d/a.conf") + ":1: ")) << problems[0];
}

TEST(ConfigFile, ADropInThatIsNoRegularFileIsAProblem) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "");
    directory.write("f.conf.d/a.conf/file", "");
    EXPECT_EQ(problems_of_file(directory.path("f.conf")),
              std::vector<std::string>{directory.path("f.conf.d/a.conf") + ": is no regular file"});
}

TEST(ConfigFile, TheNumberOfDropInsIsLimited) {
    const test::TemporaryDirectory directory;
    directory.write("f.conf", "");
    for (std::size_t i = 0; i <= max_drop_ins; ++i)
        directory.write("f.conf.d/" + std::to_string(i) + ".conf", "");
    EXPECT_EQ(
        problems_of_file(directory.path("f.conf")),
        std::vector<std::string>{directory.path("f.conf.d") + ": has more than 256 files *.conf"});
}

}  // namespace
}  // namespace vnuma
