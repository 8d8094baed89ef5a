#include "cli/command_line.hpp"

int main(int argc, char** argv) {
  return tarn::cli::run(argc, argv);
}
