#include "app/signals.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
  payoutd::app::block_stop_signals();
  return payoutd::cli::run(argc, argv);
}
