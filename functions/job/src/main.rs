//! `tributary`: the lake's three steps, and questions about it, on the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::main()
}
