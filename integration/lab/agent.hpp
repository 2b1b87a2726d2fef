// The lab's end inside the host: runs one command for the lab outside and carries its output,
// input and exit status over the virtio port.
#pragma once

namespace vnuma::lab {

// Returns when the command has ended and its status has been sent. Throws std::runtime_error.
void run_agent();

}  // namespace vnuma::lab
