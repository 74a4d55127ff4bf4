//! `defender man`: the pages of the manual, made from the help texts.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use defender_core::{Error, ErrorKind, Result};

use crate::arguments::Arguments;
use crate::context::Context;
use crate::listing::{self, counted};
use crate::sink::cannot_write;

/// Writes a page for each command into the folder, which is made where it is not there; without
/// one, the page of the whole command to standard output.
pub(crate) fn run(folder: Option<&Path>, context: &Context) -> Result<()> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(|error| {
            Error::new(ErrorKind::Io, "the page cannot be made").with_source(error)
        })?;
        return listing::print(String::from_utf8_lossy(&page).trim_end());
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))?;
    let mut count = 0;
    let mut pending = vec![command];
    while let Some(command) = pending.pop() {
        let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
        pending.extend(shown.cloned());
        let page = Man::new(command).manual("defender manual");
        let file = folder.join(page.get_filename());
        page.generate_to(folder)
            .map_err(|error| cannot_write(&file, error))?;
        count += 1;
    }
    let pages = counted(count, "page", "pages");
    context.note(&format!("{pages} in {}", folder.display()));
    Ok(())
}
