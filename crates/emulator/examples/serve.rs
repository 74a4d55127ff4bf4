//! Runs an emulator until its standard input ends, and prints what a shell needs to reach it.
//!
//! `cargo run -p defender-emulator --example serve`

#![expect(
    clippy::print_stdout,
    reason = "what an example has to say goes to the console"
)]

use std::io::Read;

use defender_emulator::{Emulator, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let running = Emulator::start(Options::default()).await?;
        println!("# {}", running.http_url());
        for (name, value) in running.environment() {
            println!("export {name}='{value}'");
        }
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await??;
        running.shutdown().await;
        Ok(())
    })
}
