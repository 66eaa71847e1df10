// The command line. Answers go to standard output (with --json as JSON), everything else to
// standard error. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings, 3 a check
// found something.
#pragma once

namespace payoutd::cli {

// Never throws. On the main thread: it may start the embedded database.
int run(int argc, char** argv);

}  // namespace payoutd::cli
