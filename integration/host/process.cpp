#include "integration/host/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <thread>

namespace vnuma::lab {

namespace {

void redirect_to(const std::string& log) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
}

}  // namespace

pid_t start_program(const std::vector<std::string>& argv, const std::string& log) {
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) {
        if (!log.empty()) redirect_to(log);
        ::execvp(words[0], words.data());
        ::dprintf(STDERR_FILENO, "%s: cannot be run\n", words[0]);
        _exit(127);
    }
    return pid;
}

int run_program(const std::vector<std::string>& argv, const std::string& log) {
    int status = 0;
    ::waitpid(start_program(argv, log), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int end_program(pid_t pid, std::chrono::seconds grace) {
    if (pid <= 0) return 0;
    int status = 0;
    ::kill(pid, SIGTERM);
    if (!wait_until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, grace)) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, &status, 0);
    }
    return status;
}

StoppedProcess::StoppedProcess(pid_t pid) : pid_(pid) {
    ::kill(pid_, SIGSTOP);
}

StoppedProcess::~StoppedProcess() {
    ::kill(pid_, SIGCONT);
}

void pause_briefly() {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

}  // namespace vnuma::lab
