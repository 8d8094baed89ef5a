// What programs that tarn runs for others may see of the machine: its system (programs, libraries, certificates, how
// names are resolved), not to be written, and nothing else.
#pragma once

#include <string>

#include "compute/process.hpp"

namespace tarn::compute {

// A view with the machine's system, /dev and /proc; `at` as for View. Without /tmp, and not sealed yet.
View system_view(const std::string& at);
// Makes a program outside of /usr (and what it is a link to) visible at its own path, with the folder that it is
// installed in: bin/, lib/ ...
void show_program(View& view, const std::string& program);

}  // namespace tarn::compute
