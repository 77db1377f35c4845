//! `entente up`: import what is missing, then serve.

use crate::arguments::{Place, Up};
use crate::commands::import::{Bars, print_balance};
use crate::commands::say;
use crate::{Ending, place};
use app::App;
use spec::Result;
use std::sync::Arc;
use std::time::Duration;

/// Serves until it is told to stop.
pub(crate) fn run(place: &Place, arguments: &Up) -> Result<Ending> {
    let runtime = place::runtime()?;
    // The folder first: another server on it has most likely taken the port as well, and should be named. Then the
    // address: a port that is taken should not be found out after a long import.
    let mut options = place::options(place)?;
    options.places.clone_from(&arguments.places);
    if let Some(mebibytes) = arguments.hot_columns {
        options.hot_bytes_max = mebibytes.saturating_mul(1 << 20);
    }
    let app = App::open(options)?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(&arguments.listen)).map_err(place::cannot_listen)?;
    let address = listener.local_addr().map_err(place::cannot_listen)?;
    let checked = app::check(&place::workspace(place)?)?;
    eprint!("{}", checked.report);
    let bars = Bars::new();
    let imported = app.import_files(&|what, done, all| bars.show(what, done, all))?;
    bars.clear();
    for (file, balance) in imported {
        match balance {
            Ok(balance) if balance.stored + balance.rejected > 0 => print_balance(&balance)?,
            Ok(_) => {}
            // The others are served all the same; what lacks this one says so.
            Err(error) => eprintln!("{file}: {}\n  {}", error.chain(), error.hint.unwrap_or_default()),
        }
    }
    let url = format!("http://{address}");
    app.announce(&url)?;
    say(&format!("\nEntente serves {} at {url}", checked.title))?;
    if arguments.sign_ins {
        say("\nSign in as (new passwords at every start):")?;
        for (name, title) in app.users()? {
            say(&format!("  {name:<12} {title:<20} {}", app.reset_password(&name)?))?;
        }
    }
    say("\nStop with ctrl c.")?;
    let options = web::Options {
        collector: app.collector()?,
        product: Arc::new(app),
        templates_from: arguments.templates.clone(),
        secure_cookies: arguments.https,
        spool: place::data(place)?.join("uploads"),
    };
    runtime.block_on(web::serve(listener, options, Box::pin(stopped())));
    // Whatever is still computed is wanted by nobody, and whatever is written can be cut off at any point.
    runtime.shutdown_timeout(END_WAIT_MAX);
    Ok(Ending::Done)
}

/// How long work that no request waits for may take to end.
const END_WAIT_MAX: Duration = Duration::from_secs(2);

/// Ready when the process is told to stop.
async fn stopped() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
