//! Completions and the manual page, from the one definition of the arguments.

use crate::Ending;
use crate::arguments::Arguments;
use clap::CommandFactory;
use spec::{Error, ErrorKind, Result};
use std::io;

/// Prints completions.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Ending> {
    clap_complete::generate(shell, &mut Arguments::command(), "entente", &mut io::stdout());
    Ok(Ending::Done)
}

/// Prints the manual page of the program, then those of its commands.
pub(crate) fn manual() -> Result<Ending> {
    let command = Arguments::command();
    let mut pages = vec![command.clone()];
    pages.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
    for page in pages {
        clap_mangen::Man::new(page).render(&mut io::stdout()).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "cannot print".to_owned()).with_source(Box::new(cause))
        })?;
    }
    Ok(Ending::Done)
}
