//! Where lists of people go.

/// A place outside that takes lists of people: a mail sender, an advertising network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is, for people.
    pub description: String,
    /// What lists that go there may be for; empty: for nothing.
    pub purposes: Vec<String>,
    /// It takes no list of fewer people.
    pub people_min: u32,
    /// It takes no list of more people; absent: of any number.
    pub people_max: Option<u32>,
}
