//! The product: opens the parts and hands each use case to its noun.

use crate::files::{WorkspaceFolder, write_private};
use crate::pipeline::Pipeline;
use crate::question::kept::KeptAnswers;
use crate::question::pace::Paces;
use crate::question::standing::Standings;
use crate::question::telling::Tellings;
use crate::question::{ask, encode, explain, standing, values};
use crate::state::State;
use crate::store::Store;
use crate::{consents, definition, error, identity, lineage, preferences, proofs, quarantine, record, session, source};
use api::{
    Asked, AudienceView, AuditHead, AuditRequest, AuditView, Balance, BooksView, Catalog, Collector, ConsentsRequest,
    ConsentsView, Credential, DashboardRequest, DashboardView, DefinitionCheck, DefinitionRequest, DefinitionSaved,
    DefinitionView, EncodeFormat, Explained, GroundView, Health, ImportRequest, Input, Judged, LineageRequest,
    LineageView, LinkHolder, MergeView, MetricView, NameView, PolicyView, PreferencesView, Principal, Product,
    ProofsView, QuarantineView, QuestionView, Replayed, SaveRequest, Saved, SignedIn, SourceView, StandingsRequest,
    StandingsView, ValuesRequest, ValuesView, Wanted, WorkspaceView,
};
use collect::Places;
use lake::{Clock, Lake, LakeOptions, Random};
use serde_json::Value as Json;
use spec::{Answer, Error, Result};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory for columns that are kept decoded, where nobody can tell how much there is.
const HOT_BYTES: usize = 1 << 30;
/// Otherwise this part of all memory.
const HOT_PART: usize = 4;
/// Memory that one import may use for sorting.
const IMPORT_BYTES_MAX: usize = 256 << 20;
/// Where the owner's secret stands; only the folder's owner can read it.
const SECRET_FILE: &str = "owner.secret";
/// The metadata store.
pub(crate) const STORE_FILE: &str = "metadata.sqlite";
/// Where a running server says how to reach it.
const NOTE_FILE: &str = "server.address";

/// How to open the product.
pub struct Options {
    /// The folder of definitions.
    pub workspace: PathBuf,
    /// The folder of data; made if it is not there.
    pub data: PathBuf,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys, tokens and file names come from.
    pub random: Arc<dyn Random>,
    /// A file in MaxMind's format that says where addresses are.
    pub places: Option<PathBuf>,
    /// Where the proofs that were run for this build say what they found.
    pub proofs: Option<PathBuf>,
    /// Memory for columns that are kept decoded between questions, in bytes.
    pub hot_bytes_max: usize,
}

impl Options {
    /// The folders with the system's clock and randomness, and a quarter of its memory for hot columns.
    pub fn of_system(workspace: PathBuf, data: PathBuf) -> Options {
        Options {
            workspace,
            data,
            clock: Arc::new(lake::SystemClock),
            random: Arc::new(lake::SystemRandom),
            places: None,
            proofs: None,
            hot_bytes_max: memory_bytes().map_or(HOT_BYTES, |bytes| bytes / HOT_PART),
        }
    }
}

/// The machine's memory, where Linux tells.
fn memory_bytes() -> Option<usize> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// How to reach the server that runs on a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNote {
    /// Its URL.
    pub url: String,
    /// The owner's secret.
    pub secret: String,
}

/// Tells how to reach the server that runs on a data folder, if one does and this user owns the folder.
pub fn server_of(data: &Path) -> Option<ServerNote> {
    lake::holder(data)?;
    let url = fs::read_to_string(data.join(NOTE_FILE)).ok()?;
    let secret = fs::read_to_string(data.join(SECRET_FILE)).ok()?;
    Some(ServerNote { url, secret })
}

/// The product on one workspace and one data folder.
pub struct App {
    /// Dropped first: its threads work on the state.
    pipeline: Mutex<Option<Pipeline>>,
    state: Arc<State>,
    data: PathBuf,
}

impl App {
    /// Opens both folders.
    ///
    /// # Errors
    /// Conflict, naming the holder, when another process has the data folder open; NotFound and Invalid for a file of
    /// places that cannot be read.
    pub fn open(options: Options) -> Result<App> {
        let folder = WorkspaceFolder::open(&options.workspace)?;
        make_private(&options.data)?;
        let lake = Lake::open(LakeOptions {
            hot_bytes_max: options.hot_bytes_max,
            folder: &options.data,
            clock: Arc::clone(&options.clock),
            random: Arc::clone(&options.random),
            memory_bytes_max: IMPORT_BYTES_MAX,
        })?;
        let store = Arc::new(Store::open(&options.data.join(STORE_FILE), options.random.as_ref())?);
        session::forget_old(&store, options.clock.now())?;
        let places = options.places.as_deref().map(read_places).transpose()?.map(Arc::new);
        let mut state = State {
            folder,
            lake,
            store,
            clock: options.clock,
            random: options.random,
            owner_secret: String::new(),
            places,
            proofs: options.proofs,
            spans: Mutex::new(Vec::new()),
            tellings: Tellings::default(),
            kept_answers: KeptAnswers::default(),
            paces: Paces::default(),
            standings: Standings::default(),
            consents: Mutex::default(),
        };
        // A new secret at every start: one that leaked is worth nothing after it.
        state.owner_secret = session::new_token(state.random.as_ref());
        write_private(&options.data.join(SECRET_FILE), &state.owner_secret)?;
        let _ = fs::remove_file(options.data.join(NOTE_FILE));
        Ok(App { pipeline: Mutex::default(), state: Arc::new(state), data: options.data })
    }

    /// Says at which URL this process serves the folder.
    pub fn announce(&self, url: &str) -> Result<()> {
        self.state.lake.note(&format!("serves {url}"))?;
        write_private(&self.data.join(NOTE_FILE), url)
    }

    /// Starts to take messages in, if that has not begun, and returns the collector.
    ///
    /// It ends when the app is dropped.
    pub fn collector(&self) -> Result<Arc<dyn Collector>> {
        let mut pipeline = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match pipeline.take() {
            Some(running) => running,
            None => Pipeline::start(&self.state)?,
        };
        let intake = Arc::clone(&running.intake);
        *pipeline = Some(running);
        Ok(intake)
    }

    /// The secret of the folder's owner, new at every start.
    pub fn owner_secret(&self) -> &str {
        &self.state.owner_secret
    }

    /// Names and titles of all users.
    pub fn users(&self) -> Result<Vec<(String, String)>> {
        let loaded = self.state.folder.current()?;
        let users = loaded.definitions.users.values();
        Ok(users.map(|user| (user.name.clone(), user.title.clone())).collect())
    }

    /// Gives a user a new random password; the caller owns the data folder.
    pub fn reset_password(&self, user: &str) -> Result<String> {
        session::reset_password(&self.state, user)
    }

    /// Imports every file that the workspace's sources name; the caller owns the data folder.
    ///
    /// # Shape
    /// One pair per file: `SOURCE/FILE`, and its books or why it did not come in.
    pub fn import_files(&self, progress: &dyn Fn(&str, u64, u64)) -> Result<Vec<(String, Result<Balance>)>> {
        source::import_all(&self.state, progress)
    }

    /// What is on record: user and deed.
    #[cfg(test)]
    pub(crate) fn deeds(&self) -> Vec<(String, String)> {
        self.state.store.deeds()
    }

    /// Imports one file; the caller owns the data folder.
    pub fn import_file(&self, request: &ImportRequest<'_>, progress: &dyn Fn(u64, u64)) -> Result<Balance> {
        source::import_as_owner(&self.state, request, progress)
    }
}

/// What `check` found in a workspace folder.
pub struct Checked {
    /// The workspace's title.
    pub title: String,
    /// All diagnostics, as a terminal shows them; empty when all is well.
    pub report: String,
    /// How many there are.
    pub n_diagnostics: usize,
    /// What is defined, in one line.
    pub summary: String,
    /// The files that sources name, in the order in which to import them: source, object, path in the workspace.
    pub source_files: Vec<(String, String, String)>,
}

/// Reads a workspace folder and says all that is wrong with it; needs no data folder.
pub fn check(workspace: &Path) -> Result<Checked> {
    let loaded = WorkspaceFolder::open(workspace)?.current()?;
    let definitions = &loaded.definitions;
    let counts = [
        (definitions.sources.len(), "sources"),
        (definitions.purposes.len(), "purposes"),
        (definitions.roles.len(), "roles"),
        (definitions.teams.len(), "teams"),
        (definitions.users.len(), "users"),
        (definitions.metrics.len(), "metrics"),
        (definitions.audiences.len(), "audiences"),
        (definitions.questions.len(), "questions"),
        (definitions.dashboards.len(), "dashboards"),
        (definitions.destinations.len(), "destinations"),
    ];
    let counted = |(count, noun): (usize, &str)| match count {
        1 => format!("1 {}", noun.trim_end_matches('s')),
        _ => format!("{count} {noun}"),
    };
    let counts: Vec<String> = counts.into_iter().map(counted).collect();
    let n_diagnostics = loaded.diagnostics.len();
    let verdict = match n_diagnostics {
        0 => "nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    let files = source::files_to_import(workspace, definitions).into_iter();
    let source_files = files.map(|(source, file)| (source.name.clone(), file.object.clone(), file.path.clone()));
    Ok(Checked {
        title: definitions.title.clone(),
        report: workspace::render(&loaded.diagnostics),
        n_diagnostics,
        summary: format!("{}: {verdict}", counts.join(", ")),
        source_files: source_files.collect(),
    })
}

/// Makes a token for a user, whether or not a server runs on the data folder.
pub fn make_token(options: &Options, user: &str, seconds: u64) -> Result<String> {
    let loaded = WorkspaceFolder::open(&options.workspace)?.current()?;
    make_private(&options.data)?;
    let store = Store::open(&options.data.join(STORE_FILE), options.random.as_ref())?;
    session::make_token(&loaded.definitions, &store, options.clock.now(), options.random.as_ref(), (user, seconds))
}

/// Reads a question that somebody wrote as YAML or JSON; what is wrong as a terminal shows it.
pub fn question_from_text(text: &str, path: &str) -> std::result::Result<Json, String> {
    workspace::question_from_yaml(text).map_err(|mut diagnostics| {
        diagnostics.iter_mut().for_each(|diagnostic| diagnostic.path = path.to_owned());
        workspace::render(&diagnostics)
    })
}

/// Reads the file that says where addresses are.
fn read_places(path: &Path) -> Result<Places> {
    let bytes = fs::read(path).map_err(|cause| {
        error::file("read", path, cause).with_hint("name a file that is there and can be read, or leave `--places` out")
    })?;
    Places::read(bytes).map_err(|cause| {
        let hint = cause.hint.clone().unwrap_or_default();
        Error::new(cause.kind, format!("cannot use `{}`", path.display())).with_hint(&hint).with_source(Box::new(cause))
    })
}

/// Makes a folder that only its owner can open.
fn make_private(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| error::file("make", folder, cause))
}

impl Product for App {
    fn sign_in(&self, name: &str, password: &str) -> Result<SignedIn> {
        session::sign_in(&self.state, name, password)
    }

    fn sign_out(&self, session: &str) -> Result<()> {
        self.state.store.remove_session(session)
    }

    fn principal(&self, credential: &Credential) -> Result<Principal> {
        session::principal(&self.state, credential)
    }

    fn judge(&self, who: &Principal, question: &Json) -> Result<Input<Judged>> {
        ask::judge(&self.state, who, question)
    }

    fn ask(&self, who: &Principal, question: &Json) -> Result<Input<Asked>> {
        ask::ask(&self.state, who, question)
    }

    fn encode(&self, answer: &Answer, format: EncodeFormat) -> Result<Vec<u8>> {
        encode::encode(answer, format)
    }

    fn explain(&self, who: &Principal, question: &Json) -> Result<Explained> {
        explain::explain(&self.state, who, question)
    }

    fn catalog(&self, who: &Principal) -> Result<Catalog> {
        definition::catalog(&self.state, who)
    }

    fn metrics(&self, _who: &Principal) -> Result<Vec<MetricView>> {
        definition::metrics(&self.state)
    }

    fn audiences(&self, _who: &Principal) -> Result<Vec<AudienceView>> {
        definition::audiences(&self.state)
    }

    fn questions(&self, _who: &Principal) -> Result<Vec<QuestionView>> {
        definition::questions(&self.state)
    }

    fn dashboards(&self, _who: &Principal) -> Result<Vec<DashboardView>> {
        definition::dashboard::dashboards(&self.state)
    }

    fn lineage(&self, _who: &Principal, request: &LineageRequest) -> Result<Vec<LineageView>> {
        lineage::lineage(&self.state, request)
    }

    fn standings(&self, who: &Principal, request: &StandingsRequest) -> Result<StandingsView> {
        standing::standings(&self.state, who, request)
    }

    fn ground(&self, who: &Principal) -> Result<GroundView> {
        standing::ground(&self.state, who)
    }

    fn is_free(&self, who: &Principal, question: &Json, wanted: Wanted) -> Result<bool> {
        standing::is_free(&self.state, who, question, wanted)
    }

    fn values(&self, who: &Principal, request: &ValuesRequest) -> Result<ValuesView> {
        values::values(&self.state, who, request)
    }

    fn sources(&self, who: &Principal) -> Result<Vec<SourceView>> {
        source::sources(&self.state, who)
    }

    fn workspace(&self, who: &Principal) -> Result<WorkspaceView> {
        definition::workspace(&self.state, who)
    }

    fn save(&self, who: &Principal, request: &SaveRequest) -> Result<Input<Saved>> {
        definition::save(&self.state, who, request)
    }

    fn name_for(&self, who: &Principal, kind: &str, title: &str) -> Result<NameView> {
        definition::naming::name_for(&self.state, who, (kind, title))
    }

    fn save_dashboard(&self, who: &Principal, request: &DashboardRequest) -> Result<Input<DashboardView>> {
        definition::dashboard::save_dashboard(&self.state, who, request)
    }

    fn unsave(&self, who: &Principal, saved: &Saved) -> Result<()> {
        definition::unsave(&self.state, who, saved)
    }

    fn definition(&self, who: &Principal, path: &str, change: Option<&Json>) -> Result<DefinitionView> {
        definition::file::definition(&self.state, who, path, change)
    }

    fn check_definition(
        &self,
        who: &Principal,
        path: &str,
        text: &str,
        asked: Option<&Json>,
    ) -> Result<DefinitionCheck> {
        definition::file::check(&self.state, who, path, text, asked)
    }

    fn save_definition(&self, who: &Principal, request: &DefinitionRequest) -> Result<Input<DefinitionSaved>> {
        definition::file::save(&self.state, who, request)
    }

    fn import(&self, who: &Principal, request: &ImportRequest<'_>, progress: &dyn Fn(u64, u64)) -> Result<Balance> {
        source::import(&self.state, who, request, progress)
    }

    fn books(&self, who: &Principal, minutes: u32) -> Result<BooksView> {
        source::books(&self.state, who, minutes)
    }

    fn quarantine(&self, who: &Principal) -> Result<Vec<QuarantineView>> {
        quarantine::groups(&self.state, who)
    }

    fn replay(&self, who: &Principal, source: &str, reason: Option<&str>) -> Result<Replayed> {
        self.collector()?;
        let pipeline = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
        let pipeline = pipeline.as_ref().ok_or_else(|| error::bug("the collector has just been started"))?;
        quarantine::replay(&self.state, pipeline, who, (source, reason))
    }

    fn merges(&self, who: &Principal, identifier: Option<&str>) -> Result<Vec<MergeView>> {
        identity::list(&self.state, who, identifier)
    }

    fn undo_merge(&self, who: &Principal, number: u64) -> Result<()> {
        identity::undo(&self.state, who, number)
    }

    fn policy(&self, who: &Principal) -> Result<PolicyView> {
        crate::policy::view(&self.state, who)
    }

    fn audit(&self, who: &Principal, request: &AuditRequest) -> Result<AuditView> {
        record::list(&self.state, who, request)
    }

    fn audit_head(&self, who: &Principal) -> Result<AuditHead> {
        record::head(&self.state, who)
    }

    fn preferences(&self, holder: &LinkHolder) -> Result<PreferencesView> {
        preferences::view(&self.state, holder)
    }

    fn consents(&self, who: &Principal, request: &ConsentsRequest) -> Result<ConsentsView> {
        consents::view(&self.state, who, request)
    }

    fn proofs(&self, _who: &Principal) -> Result<ProofsView> {
        Ok(proofs::view(self.state.proofs.as_deref()))
    }

    fn health(&self) -> Health {
        Health { ready: self.state.folder.current().is_ok(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}
