// How the replies of the control socket write numbers, lists and sentences. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma::control {

// With a capital letter at its begin, unless that is the name of a program, and a full stop at its
// end.
std::string sentence(std::string text);

// Without its full stop, to be a part of a sentence.
std::string clause(std::string text);

// "512 MiB", "1.5 GiB", "0 MiB". What is less than a MiB, but not nothing, is "less than 1 MiB".
std::string size_text(Bytes bytes);
// "75 %". 100 % is all of it only, and 0 % none of it.
std::string percent_text(PerMille share);
// "45 s", "4 min 50 s", "2 h 5 min". Rounded up to whole seconds.
std::string time_text(Millis time);
// CPU time: "70 ms of CPU time", "1.2 s of CPU time".
std::string cost_text(Cost cost);
// "70 ms of CPU time instead of 90 ms".
std::string cost_text(Cost cost, Cost instead_of);
// "1 vCPU", "4 vCPUs".
std::string count_text(long long count, const std::string& noun);
// "node 0", "nodes 0-1,3", "no node": the kernel's numbers.
std::string nodes_text(const std::vector<int>& nodes);
// "a", "a and b", "a, b and c".
std::string join(const std::vector<std::string>& parts, const char* last = " and ");

// A word for a shell's command line, in quotes if it needs them.
std::string shell_word(const std::string& word);

}  // namespace vnuma::control
