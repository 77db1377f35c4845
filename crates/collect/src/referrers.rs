//! Which site is what: search engines, social networks and assistants by host, and the categories of campaign sources.

use std::collections::HashMap;

/// `host,name,kind`; `*` stands for a country: `google.*`, `*.bing.com`.
const REFERRERS: &str = include_str!("../vendor/referrers.csv");
/// `source,category`.
const SOURCES: &str = include_str!("../vendor/sources.csv");
/// How long a part of a host may be that stands for a country, as in `google.com.br`, in bytes.
const COUNTRY_BYTES_MAX: usize = 3;

/// What kind of site a visit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Search,
    Social,
    Video,
    Shopping,
    /// Answers in its own words, with links.
    Assistant,
}

/// The lists, made for look-ups.
pub(crate) struct Referrers {
    hosts: HashMap<&'static str, (&'static str, Category)>,
    sources: HashMap<&'static str, Category>,
}

impl Referrers {
    pub(crate) fn new() -> Referrers {
        let rows = |text: &'static str| text.lines().skip(1);
        let host = |row: &'static str| {
            let (row, kind) = row.rsplit_once(',')?;
            let (host, name) = row.split_once(',')?;
            Some((host, (name, category(kind)?)))
        };
        let source =
            |row: &'static str| row.rsplit_once(',').and_then(|(source, kind)| Some((source, category(kind)?)));
        Referrers {
            hosts: rows(REFERRERS).filter_map(host).collect(),
            sources: rows(SOURCES).filter_map(source).collect(),
        }
    }

    /// The name of the search engine, network or assistant with this host.
    pub(crate) fn name(&self, host: &str) -> Option<&'static str> {
        self.site(host).map(|(name, _)| name)
    }

    /// The category of a site that was followed from.
    pub(crate) fn category_of_host(&self, host: &str) -> Option<Category> {
        let parents = parents(host).filter_map(|parent| self.sources.get(parent));
        let listed = parents.copied().find(|category| *category != Category::Search);
        let exact = self.sources.get(host).copied();
        exact.or(listed).or_else(|| self.site(host).map(|(_, category)| category))
    }

    /// The category of what a campaign calls its source, in small letters: a name or a host.
    pub(crate) fn category_of_source(&self, source: &str) -> Option<Category> {
        self.sources.get(source).copied().or_else(|| self.category_of_host(source))
    }

    fn site(&self, host: &str) -> Option<(&'static str, Category)> {
        let listed = |host: &str| self.hosts.get(host).copied();
        listed(host)
            .or_else(|| any_country(host).iter().find_map(|pattern| listed(pattern)))
            // A mail box at a search engine's is no search; a network's hosts are all the network.
            .or_else(|| parents(host).filter_map(listed).find(|(_, category)| *category != Category::Search))
    }
}

fn category(kind: &str) -> Option<Category> {
    Some(match kind {
        "search" => Category::Search,
        "social" => Category::Social,
        "video" => Category::Video,
        "shopping" => Category::Shopping,
        "assistant" => Category::Assistant,
        _ => return None,
    })
}

/// The domains above a host that have at least two parts.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(host), |host| parent(host))
}

fn parent(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'))
}

/// The patterns under which a host can stand: `google.*` for `google.de` and `google.co.uk`, `*.bing.com` for `de.bing.com`.
fn any_country(host: &str) -> Vec<String> {
    let mut patterns = Vec::new();
    if let Some((country, rest)) = host.split_once('.')
        && country.len() == 2
    {
        patterns.push(format!("*.{rest}"));
    }
    if let Some((site, _)) = host.rsplit_once('.') {
        patterns.push(format!("{site}.*"));
        if let Some((site, second)) = site.rsplit_once('.')
            && second.len() <= COUNTRY_BYTES_MAX
        {
            patterns.push(format!("{site}.*"));
        }
    }
    patterns
}
