//! The `sciontool` command line, for agents: its brand, and nothing else.

fn main() -> std::process::ExitCode {
    hallpass_cli::tool::run(include_str!("../../../../brands/sciontool.toml"))
}
