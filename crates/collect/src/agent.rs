//! What a user agent's text says, by the rules of uap-core and the patterns of crawler-user-agents, both vendored.
//!
//! What the rules do not know is `None`, never `Other`. The kind of device is our own reading: no list has it.

use regex_filtered::Regexes;

const RULES: &str = include_str!("../vendor/agents.json");
const CRAWLERS: &str = include_str!("../vendor/crawlers.json");
/// Literals of at least this many bytes choose which patterns are tried at all.
const LITERAL_BYTES_MIN: usize = 3;
/// What the rules call a crawler, as a device.
const SPIDER: &str = "Spider";
/// Operating systems of desks, as the rules name them.
const DESKTOPS: [&str; 8] = ["Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD"];

/// What is known of a user agent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) browser: Option<String>,
    /// The first number of its version: `126`.
    pub(crate) browser_version: Option<String>,
    pub(crate) os: Option<String>,
    /// At most two numbers: `17.5`.
    pub(crate) os_version: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) device_brand: Option<String>,
    pub(crate) device_model: Option<String>,
    /// `desktop`, `mobile`, `tablet` or `other`.
    pub(crate) device_type: &'static str,
    pub(crate) is_bot: bool,
}

/// The rules, made for matching: some 45 MB once they were used.
pub(crate) struct AgentRules {
    agents: ua_parser::Extractor<'static>,
    crawlers: Regexes,
}

impl AgentRules {
    /// Makes the rules, which takes a fifth of a second.
    pub(crate) fn new() -> AgentRules {
        let rules: ua_parser::Regexes<'static> =
            serde_json::from_str(RULES).expect("the vendored rules are read in tests");
        let patterns: Vec<String> = serde_json::from_str(CRAWLERS).expect("the vendored patterns are read in tests");
        let mut crawlers = regex_filtered::Builder::new_atom_len(LITERAL_BYTES_MIN);
        for pattern in &patterns {
            crawlers = crawlers.push(pattern).expect("the vendored patterns are made in tests");
        }
        AgentRules {
            agents: rules.try_into().expect("the vendored rules are made in tests"),
            crawlers: crawlers.build().expect("the vendored patterns are made in tests"),
        }
    }

    /// Reads a text; it takes tens of microseconds, and milliseconds if it was made to take long.
    pub(crate) fn read(&self, text: &str) -> Agent {
        let (browser, os, device) = self.agents.extract(text);
        let mut agent = Agent { is_bot: self.crawlers.is_match(text), ..Agent::default() };
        if let Some(found) = browser {
            agent.browser = named(&found.family);
            agent.browser_version = found.major.and_then(named);
        }
        if let Some(found) = os {
            agent.os = named(&found.os);
            agent.os_version = found.major.as_deref().and_then(named).map(|major| match found.minor.as_deref() {
                Some(minor) if !minor.is_empty() => format!("{major}.{minor}"),
                _ => major,
            });
        }
        if let Some(found) = device {
            agent.is_bot |= found.device == SPIDER;
            agent.device = named(&found.device);
            agent.device_brand = found.brand.as_deref().and_then(named);
            agent.device_model = found.model.as_deref().and_then(named);
        }
        agent.device_type = device_type(text, &agent);
        agent
    }
}

fn named(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text != "Other").then(|| text.to_owned())
}

/// What kind of device it is, as far as the text tells.
///
/// Android's browsers say `Mobile` on telephones and not on tablets. An iPad that asks for desktop pages, as they do by
/// default, cannot be told from a Mac.
fn device_type(text: &str, agent: &Agent) -> &'static str {
    let has = |word: &str| text.contains(word);
    let os = agent.os.as_deref().unwrap_or_default();
    if agent.is_bot || has("TV") || has("CrKey") {
        "other"
    } else if has("iPad") || has("Tablet") || (os == "Android" && !has("Mobile")) {
        "tablet"
    } else if has("Mobi") || has("iPhone") || has("iPod") {
        "mobile"
    } else if DESKTOPS.contains(&os) {
        "desktop"
    } else {
        "other"
    }
}
