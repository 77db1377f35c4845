//! `entente token`: a token for a program.

use crate::arguments::{Place, Token};
use crate::commands::say;
use crate::{Ending, place};
use spec::{Duration, Error, ErrorKind, Result};

/// Makes a token and prints it; it is not kept anywhere in a form that could be read.
pub(crate) fn run(place: &Place, arguments: &Token) -> Result<Ending> {
    let duration = Duration::parse(&arguments.duration).map_err(|message| Error::new(ErrorKind::Invalid, message))?;
    let seconds = u64::try_from(duration.seconds()).unwrap_or(0);
    let options = app::Options::of_system(place::workspace(place)?, place::data(place)?);
    say(&app::make_token(&options, &arguments.user, seconds)?)?;
    Ok(Ending::Done)
}
