//! Where a command works: the folders, and the server to talk to.

use crate::arguments::Place;
use crate::client::Client;
use app::{App, Options};
use spec::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The workspace folder: the one named, else the nearest one upwards that holds `entente.yaml`.
pub(crate) fn workspace(place: &Place) -> Result<PathBuf> {
    if let Some(folder) = &place.workspace {
        return if is_workspace(folder) {
            absolute(folder)
        } else {
            Err(Error::new(ErrorKind::NotFound, format!("there is no entente.yaml in `{}`", folder.display()))
                .with_hint("name the folder that holds it, or make one there with a `title`"))
        };
    }
    let here = absolute(Path::new("."))?;
    let found = here.ancestors().find(|folder| is_workspace(folder));
    found.map(Path::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "there is no entente.yaml here or in a folder above".to_owned())
            .with_hint("go to a workspace, or name it with `--workspace DIR`")
    })
}

fn is_workspace(folder: &Path) -> bool {
    std::fs::metadata(folder.join("entente.yaml")).is_ok()
}

/// The data folder: the one named, else `data` beside the workspace.
pub(crate) fn data(place: &Place) -> Result<PathBuf> {
    match &place.data {
        Some(folder) => Ok(folder.clone()),
        None => {
            let workspace = workspace(place)?;
            Ok(workspace.parent().unwrap_or(&workspace).join("data"))
        }
    }
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(folder).map_err(|cause| {
        Error::new(ErrorKind::NotFound, format!("cannot open `{}`", folder.display())).with_source(Box::new(cause))
    })
}

/// Opens both folders for this process.
pub(crate) fn open(place: &Place) -> Result<App> {
    App::open(options(place)?)
}

/// Both folders, and what the system gives.
pub(crate) fn options(place: &Place) -> Result<Options> {
    Ok(Options { proofs: proofs(), ..Options::of_system(workspace(place)?, data(place)?) })
}

/// Where the proofs of this build say what they found: beside the program, or where cargo builds it.
fn proofs() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    [folder.join("proofs"), folder.parent()?.join("proofs")].into_iter().find(|proofs| proofs.is_dir())
}

/// A server to talk to, and what keeps it running.
pub(crate) struct Seat {
    pub(crate) client: Client,
    /// A server made for this one call lives as long as its runtime.
    _runtime: Option<tokio::runtime::Runtime>,
}

/// Finds the server named, else the one that runs on the data folder, else makes one for this one call.
pub(crate) fn seat(place: &Place, user: Option<&str>) -> Result<Seat> {
    if let (Some(url), Some(token)) = (&place.server, &place.token) {
        if user.is_some() {
            let message = "with `--server` the token says who asks, not `--as`".to_owned();
            return Err(Error::new(ErrorKind::Invalid, message).with_hint("leave `--as` out"));
        }
        return Ok(Seat { client: Client::with_token(url, token), _runtime: None });
    }
    let user = user.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "it is not said for whom".to_owned()).with_hint("name a user with `--as USER`")
    })?;
    if let Some(note) = app::server_of(&data(place)?) {
        return Ok(Seat { client: Client::as_owner(&note.url, &note.secret, user), _runtime: None });
    }
    let app = open(place)?;
    let secret = app.owner_secret().to_owned();
    let runtime = runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let spool = data(place)?.join("uploads");
    let collector = app.collector()?;
    let options =
        web::Options { product: Arc::new(app), collector, templates_from: None, secure_cookies: false, spool };
    runtime.spawn(web::serve(listener, options, Box::pin(std::future::pending())));
    let client = Client::as_owner(&format!("http://{address}"), &secret, user);
    Ok(Seat { client, _runtime: Some(runtime) })
}

/// The runtime on which a server waits.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().map_err(|cause| {
        Error::new(ErrorKind::Unavailable, "the system gives no threads".to_owned()).with_source(Box::new(cause))
    })
}

/// The error of an address that cannot be listened on.
pub(crate) fn cannot_listen(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "cannot listen".to_owned())
        .with_hint("is the port taken? choose another with `--listen`")
        .with_source(Box::new(cause))
}
