#include "integration/host/impostor.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

// Another process may take the number first; then it ends again soon.
constexpr int most_attempts = 200;
constexpr std::chrono::seconds start_limit{30};

// The next process or thread of the host gets this number, or the next free one.
void ask_for(pid_t number) {
    write_text("/proc/sys/kernel/ns_last_pid", std::to_string(number - 1));
}

// Whether a thread with this number was started, which sleeps for as long as the process runs.
bool start_thread(pid_t number) {
    for (int i = 0; i < most_attempts; ++i) {
        ask_for(number);
        const auto answer = std::make_shared<std::promise<bool>>();
        std::thread([answer, number] {
            const bool has_it = ::gettid() == number;
            answer->set_value(has_it);
            while (has_it)
                ::pause();
        }).detach();
        if (answer->get_future().get()) return true;
    }
    return false;
}

[[noreturn]] void run(const std::vector<pid_t>& threads, const std::vector<int>& cpus) {
    set_affinity(0, cpus);  // the threads inherit it
    for (const pid_t thread : threads)
        if (!start_thread(thread)) ::_exit(1);
    while (true)
        ::pause();
}

}  // namespace

Impostor::Impostor(pid_t process, const std::vector<pid_t>& threads, const std::vector<int>& cpus)
    : process_(-1) {
    for (int i = 0; i < most_attempts && process_ != process; ++i) {
        ask_for(process);
        process_ = ::fork();
        if (process_ != 0) {
            if (process_ == process) break;
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        } else if (::getpid() == process) {
            run(threads, cpus);
        } else {
            ::_exit(1);
        }
    }
    const auto has_all = [&] { return tasks_of(process).size() == threads.size() + 1; };
    if (process_ == process && wait_until(has_all, start_limit)) return;
    if (process_ == process) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    throw std::runtime_error("no process got the number " + std::to_string(process) +
                             " and the numbers of its threads");
}

Impostor::~Impostor() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

}  // namespace vnuma::lab
