//! The files of a workspace -> definitions and diagnostics.
//!
//! Rules first, then contracts and sources, then what is built on them, so that each kind is checked against those before
//! it. A reference to a file that exists but has errors is no error of its own.

use crate::built::{audience_as_question, key_place, metric_as_question, read_audience, read_metric, read_saved};
use crate::contract::{ContractFile, read_contract};
use crate::cycles::{audiences_in, on_cycles};
use crate::dashboard::{Subjects, read_dashboard};
use crate::definitions::Definitions;
use crate::destinations::read_destination;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::files::definition_of;
use crate::keys::Keyring;
use crate::names::{did_you_mean, is_name, listed, nearest, shortened};
use crate::node::Node;
use crate::resolve::{Unresolved, check_definition};
use crate::rules::{read_purpose, read_role, read_users, read_workspace, user_names};
use crate::sources::{Across, contract_name, read_source};
use crate::teams::{Claims, Workplace, read_team};
use crate::yaml;
use sha2::{Digest, Sha256};
use spec::{DefinitionKind, Diagnostic};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

const WORKSPACE_FILE: &str = "entente.yaml";
const USERS_FILE: &str = "users.yaml";
const FOLDERS: [&str; 10] = [
    "sources",
    "contracts",
    "purposes",
    "roles",
    "teams",
    "metrics",
    "audiences",
    "questions",
    "dashboards",
    "destinations",
];

/// Reads the files of a workspace: path (with `/`, relative) -> text. Other files are read past.
///
/// A definition with errors is left out and all others stay. The diagnostics are sorted by path, line and column.
pub fn load(files: &BTreeMap<String, String>) -> (Definitions, Vec<Diagnostic>) {
    let mut problems = Problems::default();
    let parsed = parse_files(files, &mut problems);
    let mut loader = Loader { files: parsed, definitions: Definitions::default(), problems };
    loader.definitions.version = version(files);
    loader.load_rules();
    loader.load_teams();
    loader.load_sources();
    loader.load_audiences();
    loader.load_metrics();
    loader.load_questions();
    loader.load_dashboards();
    let Loader { mut definitions, problems, .. } = loader;
    let diagnostics = problems.into_sorted();
    definitions.left_out = left_out(files, &definitions, &diagnostics);
    (definitions, diagnostics)
}

/// The files that questions miss something of: what is in them has errors, and so defines nothing.
fn left_out(
    files: &BTreeMap<String, String>,
    definitions: &Definitions,
    diagnostics: &[Diagnostic],
) -> BTreeMap<String, String> {
    let is_missed = |path: &str| match definition_of(path) {
        Some((DefinitionKind::Contracts, _)) => {
            !definitions.sources.values().any(|source| source.contract_path == path)
        }
        Some((DefinitionKind::Sources, name)) => !definitions.sources.contains_key(name),
        Some((DefinitionKind::Metrics, name)) => !definitions.metrics.contains_key(name),
        Some((DefinitionKind::Audiences, name)) => !definitions.audiences.contains_key(name),
        Some((DefinitionKind::Purposes, name)) => !definitions.purposes.contains_key(name),
        Some((DefinitionKind::Destinations, name)) => !definitions.destinations.contains_key(name),
        _ => false,
    };
    // What comes in by a source is declared in its contract.
    let with_contract = |path: &str, text: &str| {
        let is_named =
            |other: &str| path.starts_with("sources/") && other.starts_with("contracts/") && text.contains(other);
        let contracts = files.iter().filter(|(other, _)| is_named(other)).map(|(_, contract)| contract.as_str());
        std::iter::once(text).chain(contracts).collect::<Vec<_>>().join("\n")
    };
    let wrong: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    let texts = wrong.into_iter().filter_map(|path| Some((path, files.get(path)?)));
    let missed = texts.filter(|(path, _)| is_missed(path));
    missed.map(|(path, text)| (path.to_owned(), with_contract(path, text))).collect()
}

/// A file that defines something; its node is `None` if it cannot be read.
struct File<'a> {
    folder: &'a str,
    name: &'a str,
    node: Option<Node>,
}

struct Loader<'a> {
    files: Vec<File<'a>>,
    definitions: Definitions,
    problems: Problems,
}

fn parse_files<'a>(files: &'a BTreeMap<String, String>, problems: &mut Problems) -> Vec<File<'a>> {
    let mut parsed = Vec::new();
    for (path, text) in files {
        if let Some((folder, name)) = definition(path, problems) {
            parsed.push(File { folder, name, node: yaml::parse(path, text, problems) });
        }
    }
    if !files.contains_key(WORKSPACE_FILE) {
        let place = Place::start_of(WORKSPACE_FILE);
        problems.add(&place, "the workspace has no `entente.yaml`".into(), "add one with `title: ...`".into());
    }
    parsed
}

/// Folder and name of what a file defines; nothing if it defines nothing.
fn definition<'a>(path: &'a str, problems: &mut Problems) -> Option<(&'a str, &'a str)> {
    if path == WORKSPACE_FILE || path == USERS_FILE {
        return Some(("", path));
    }
    let (folder, file) = path.split_once('/')?;
    let is_yaml = file.ends_with(".yaml") || file.ends_with(".yml");
    if !is_yaml || file.contains('/') {
        return None;
    }
    let place = Place::start_of(path);
    if !FOLDERS.contains(&folder) {
        let near = nearest(folder, FOLDERS).into_iter().find(|near| near.chars().next() == folder.chars().next());
        if let Some(near) = near {
            problems.add(
                &place,
                format!("nothing is read from the folder `{folder}`"),
                format!("did you mean `{near}`?"),
            );
        }
        return None;
    }
    let ending = ending(folder);
    let Some(name) = file.strip_suffix(ending) else {
        problems.add(&place, format!("a file of `{folder}` ends in `{ending}`"), "rename it".into());
        return None;
    };
    if !is_name(name) {
        let hint = "rename it: small letters, digits and `_`, a letter first";
        problems.add(&place, format!("`{}` is not a name for a definition", shortened(name)), hint.into());
        return None;
    }
    Some((folder, name))
}

/// How the names of a folder's files end.
fn ending(folder: &str) -> &'static str {
    if folder == "contracts" { ".odcs.yaml" } else { ".yaml" }
}

fn version(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (path, text) in files {
        if definition(path, &mut Problems::default()).is_some() {
            for part in [path, text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        }
    }
    spec::hex(&hash.finalize()[..8])
}

impl Loader<'_> {
    /// The names of a folder, those with errors too.
    fn names<'b>(files: &[File<'b>], folder: &str) -> Vec<&'b str> {
        files.iter().filter(|file| file.folder == folder).map(|file| file.name).collect()
    }

    fn load_rules(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let roles = Self::names(files, "roles");
        for file in files.iter() {
            let Some(node) = &file.node else { continue };
            match (file.folder, file.name) {
                ("", WORKSPACE_FILE) => read_workspace(node, definitions, problems),
                ("", _) => definitions.users = read_users(node, &roles, problems),
                ("purposes", name) => {
                    let purpose = read_purpose(name, node, problems);
                    definitions.purposes.extend(purpose.map(|purpose| (name.to_owned(), purpose)));
                }
                ("roles", name) => {
                    let role = read_role(name, node, &purposes, problems);
                    definitions.roles.extend(role.map(|role| (name.to_owned(), role)));
                }
                ("destinations", name) => {
                    let destination = read_destination(name, node, &purposes, problems);
                    definitions.destinations.extend(destination.map(|found| (name.to_owned(), found)));
                }
                _ => {}
            }
        }
    }

    fn load_teams(&mut self) {
        let Loader { files, definitions, problems } = self;
        let path = |file: &File<'_>| match file.folder {
            "" => file.name.to_owned(),
            folder => format!("{folder}/{}{}", file.name, ending(folder)),
        };
        let users = files.iter().find(|file| file.name == USERS_FILE).and_then(|file| file.node.as_ref());
        let mut workplace = Workplace {
            users: users.map(user_names).unwrap_or_default(),
            places: FOLDERS.iter().map(|folder| format!("{folder}/")).collect(),
        };
        workplace.places.extend(files.iter().map(path));
        let mut claims = Claims::new();
        for file in files.iter().filter(|file| file.folder == "teams") {
            let Some(node) = &file.node else { continue };
            let team = read_team((file.name, node), &workplace, &mut claims, problems);
            definitions.teams.extend(team.map(|team| (file.name.to_owned(), team)));
        }
    }

    fn load_sources(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let mut contracts: BTreeMap<&str, Option<ContractFile>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.folder == "contracts") {
            let contract = file.node.as_ref().and_then(|node| read_contract(node, &purposes, problems));
            contracts.insert(file.name, contract);
        }
        let mut across = Across::default();
        let mut keyring = Keyring::default();
        for file in files.iter().filter(|file| file.folder == "sources") {
            let Some(node) = &file.node else { continue };
            let source = read_source((file.name, node), &contracts, &mut keyring, problems);
            let Some(source) = source else { continue };
            let Some(contract) = contracts.get(contract_name(&source.contract_path)).and_then(Option::as_ref) else {
                continue;
            };
            if across.check(contract, problems) {
                definitions.sources.insert(source.name.clone(), source);
            }
        }
    }

    fn load_audiences(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let mut nodes = BTreeMap::new();
        for file in files.iter().filter(|file| file.folder == "audiences") {
            let Some(node) = &file.node else { continue };
            if let Some(audience) = read_audience(file.name, node, &purposes, problems) {
                definitions.audiences.insert(file.name.to_owned(), audience);
                nodes.insert(file.name, node);
            }
        }
        let graph =
            definitions.audiences.iter().map(|(name, audience)| (name.clone(), audiences_in(&audience.condition)));
        for name in on_cycles(&graph.collect()) {
            let place = key_place(nodes[name.as_str()], "where");
            problems.add(
                place,
                format!("the audience `{name}` is defined by itself"),
                "break the circle of `in_audience`".into(),
            );
            definitions.audiences.remove(&name);
        }
        // Each after those it is built on, so that an error is said where it stands and nowhere else.
        let mut open: BTreeSet<String> = definitions.audiences.keys().cloned().collect();
        let is_ready = |name: &String, open: &BTreeSet<String>, definitions: &Definitions| {
            audiences_in(&definitions.audiences[name].condition).is_disjoint(open)
        };
        while let Some(name) = open.iter().find(|name| is_ready(name, &open, definitions)).cloned() {
            open.remove(&name);
            let errors = check_definition(&audience_as_question(&definitions.audiences[&name]), definitions);
            if !errors.is_empty() {
                definitions.audiences.remove(&name);
                report(&errors, nodes[name.as_str()], files, definitions, problems);
            }
        }
    }

    fn load_metrics(&mut self) {
        let Loader { files, definitions, problems } = self;
        for file in files.iter().filter(|file| file.folder == "metrics") {
            let Some(node) = &file.node else { continue };
            let Some(metric) = read_metric(file.name, node, problems) else { continue };
            let errors = check_definition(&metric_as_question(&metric), definitions);
            if errors.is_empty() {
                definitions.metrics.insert(file.name.to_owned(), metric);
            } else {
                report(&errors, node, files, definitions, problems);
            }
        }
    }

    fn load_questions(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        for file in files.iter().filter(|file| file.folder == "questions") {
            let Some(node) = &file.node else { continue };
            let question = read_saved(file.name, node, &purposes, problems);
            definitions.questions.extend(question.map(|question| (file.name.to_owned(), question)));
        }
    }

    fn load_dashboards(&mut self) {
        let Loader { files, definitions, problems } = self;
        let known = Subjects { questions: Self::names(files, "questions"), metrics: Self::names(files, "metrics") };
        for file in files.iter().filter(|file| file.folder == "dashboards") {
            let Some(node) = &file.node else { continue };
            let dashboard = read_dashboard(file.name, node, &known, problems);
            definitions.dashboards.extend(dashboard.map(|dashboard| (file.name.to_owned(), dashboard)));
        }
    }
}

/// Reports what a definition names that does not exist, and what it says that makes no sense.
fn report(errors: &[Unresolved], node: &Node, files: &[File<'_>], definitions: &Definitions, problems: &mut Problems) {
    for error in errors {
        match error {
            Unresolved::Name { subject, kind, nearest, .. } => {
                let key = if node_says(node, "where", subject) { "where" } else { "measure" };
                let hint = match nearest.first() {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => name_hint(kind, subject, files, definitions),
                };
                problems.add(key_place(node, key), format!("there is no {kind} `{}`", shortened(subject)), hint);
            }
            Unresolved::Wrong(diagnostic) => {
                let key = if diagnostic.path.ends_with("where") { "where" } else { "measure" };
                problems.add(key_place(node, key), diagnostic.message.clone(), diagnostic.hint.clone());
            }
        }
    }
}

fn node_says(node: &Node, key: &'static str, subject: &str) -> bool {
    let mut silent = Problems::default();
    let value = Fields::open(node, "a definition", &mut silent).and_then(|mut fields| fields.optional(key));
    value.and_then(|value| text_of(value, key, &mut silent)).is_some_and(|text| text.contains(subject))
}

/// What to do about a name for which nothing comes near: it may stand in a file with errors.
fn name_hint(kind: &str, subject: &str, files: &[File<'_>], definitions: &Definitions) -> String {
    if kind == "audience" && files.iter().any(|file| file.folder == "audiences" && file.name == subject) {
        return format!("first mend what is wrong with `audiences/{subject}.yaml`");
    }
    let broken: Vec<&str> = Loader::names(files, "sources");
    let broken: Vec<&str> = broken.into_iter().filter(|name| !definitions.sources.contains_key(*name)).collect();
    if !broken.is_empty() && kind != "audience" {
        return format!("first mend what is wrong with the sources {}", listed(&broken));
    }
    match kind {
        "event" => {
            let events: Vec<&str> = definitions.events().into_iter().map(|(_, object)| object.name.as_str()).collect();
            did_you_mean(subject, &events, "events")
        }
        "audience" => "add a file for it to `audiences`".into(),
        _ => "a contract has to declare it".into(),
    }
}
