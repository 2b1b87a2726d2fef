#include "integration/host/kdamonds.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr const char* count_file = "/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds";
constexpr uid_t nobody = 65534;

}  // namespace

int kdamonds() {
    return std::atoi(read_text(count_file).c_str());
}

bool is_monitored(pid_t pid) {
    for (int i = 0; i < kdamonds(); ++i) {
        const std::string target = "/sys/kernel/mm/damon/admin/kdamonds/" + std::to_string(i) +
                                   "/contexts/0/targets/0/pid_target";
        if (std::atoi(read_text(target).c_str()) == pid) return true;
    }
    return false;
}

KdamondOfAnotherProgram::KdamondOfAnotherProgram() {
    write_text(count_file, "1");
}

KdamondOfAnotherProgram::~KdamondOfAnotherProgram() {
    std::ofstream(count_file) << "0";
}

DamonFilesOfAnotherUser::DamonFilesOfAnotherUser() {
    if (::chown(count_file, nobody, nobody) != 0)
        throw std::system_error(errno, std::generic_category(), count_file);
}

DamonFilesOfAnotherUser::~DamonFilesOfAnotherUser() {
    [[maybe_unused]] const int result = ::chown(count_file, 0, 0);
}

}  // namespace vnuma::lab
