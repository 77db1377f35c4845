//! Identifiers of people: who a user id is, and the direct identifiers under one key per person.
//!
//! Append-only logs: `people.log` (allocations and encrypted identifiers), `keys.log` (per-person keys, wrapped by the
//! master key in `master.key`) and `merges.log` (who is whom by now). Invariants: an allocation is synced before any table names the person; without a
//! person's key nothing of theirs can be read; a record is whole or is cut off at the next open; maps in memory hold
//! hashes and offsets, never an identifier.

mod by_person;
mod log;
mod merges;
#[cfg(test)]
mod tests;

use crate::{Random, error};
use by_person::ByPerson;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use log::Log;
use merges::{Entry, Merges};
pub(crate) use merges::{Evidence, Joined, Roots};
pub use merges::{MergeChange, MergeEntry, MergeReason};
use sha2::Sha256;
use spec::{PersonId, Result};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::num::NonZeroU64;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The identifier kind of user ids.
pub(crate) const USER_ID: &str = "user_id";
/// The identifier kind of user ids that only a public key has named; they lead to the same person as those above.
const CLAIMED_USER_ID: &str = "claimed:user_id";
/// The identifier kind of ids that a browser or an app makes for whoever uses it.
pub(crate) const ANONYMOUS_ID: &str = "anonymous_id";

const BUCKETS: u16 = 1024;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What a sealed text begins with.
const SEALED: &str = "sealed-1 ";
const MASTER_HEADER: &str = "entente-master-key-1 ";
/// A user id and the new person that it leads to, as older versions wrote it.
const RECORD_PERSON: u8 = 1;
const RECORD_IDENTIFIER: u8 = 2;
/// An identifier of any kind that leads to a person: a new one, or one that is known.
const RECORD_LOOKUP: u8 = 3;

/// The vault of a data folder.
pub(crate) struct Vault {
    keys: Keys,
    random: Arc<dyn Random>,
    state: Mutex<State>,
}

/// Keys that follow from the master key, one per use.
struct Keys {
    lookup: [u8; KEY_BYTES],
    wrap: XChaCha20Poly1305,
    content: [u8; KEY_BYTES],
    pseudonym: [u8; KEY_BYTES],
    aside: XChaCha20Poly1305,
}

struct State {
    people: Log,
    keys: Log,
    merges: Merges,
    key_offsets: ByPerson<NonZeroU64>,
    known: Known,
}

/// What the records of `people.log` say.
struct Known {
    by_lookup: HashMap<[u8; 16], u64>,
    next_local: Vec<u32>,
    /// The first is that of user ids.
    kinds: Vec<Kind>,
}

/// The identifiers of a kind.
struct Kind {
    name: String,
    newest: ByPerson<Identifier>,
}

/// Where the newest identifier of a kind lies, and since when it holds.
#[derive(Clone, Copy)]
struct Identifier {
    offset: NonZeroU64,
    at_micros: i64,
}

/// What one import adds; nothing is written before [`Draft::write`].
pub(crate) struct Draft<'a> {
    vault: &'a Vault,
    /// Per kind.
    cache: HashMap<&'static str, HashMap<String, PersonId>>,
    allocated: HashMap<[u8; 16], PersonId>,
    next_local: HashMap<u16, u32>,
    new_people: HashSet<PersonId>,
    lookups: Vec<Lookup>,
    /// People to whom one of these lookups is a user id.
    with_user_id: HashSet<PersonId>,
    identifiers: HashMap<(PersonId, String), (i64, String)>,
    /// Who is whom, these merges included.
    roots: Arc<Roots>,
    merges: Vec<Entry>,
}

/// A new identifier that leads to a person.
struct Lookup {
    person: PersonId,
    digest: [u8; 32],
    kind: &'static str,
    text: String,
}

/// Values of the person column remembered per import, so that most rows cost no hash.
const CACHE_ENTRIES_MAX: usize = 200_000;

impl Vault {
    /// Opens the vault in `folder`, or makes it.
    pub(crate) fn open(folder: &Path, random: Arc<dyn Random>) -> Result<Vault> {
        std::fs::create_dir_all(folder).map_err(|cause| error::io("make", folder, cause))?;
        let master = read_or_make_master(folder, random.as_ref())?;
        let keys = Keys {
            lookup: derive(&master, b"lookup"),
            wrap: XChaCha20Poly1305::new(&derive(&master, b"wrap").into()),
            content: derive(&master, b"content"),
            pseudonym: derive(&master, b"pseudonym"),
            aside: XChaCha20Poly1305::new(&derive(&master, b"aside").into()),
        };
        let mut key_offsets = ByPerson::default();
        let key_log = Log::open(&folder.join("keys.log"), b"ENTKEY\0\x01", &mut |offset, record| {
            let person = read_u64(record).and_then(|(number, _)| from_number(number));
            let (person, offset) =
                person.zip(NonZeroU64::new(offset)).ok_or_else(|| error::vault("a key has no person"))?;
            key_offsets.insert(person, offset);
            Ok(())
        })?;
        let mut known = Known {
            by_lookup: HashMap::new(),
            next_local: vec![0; usize::from(BUCKETS)],
            kinds: vec![Kind { name: USER_ID.to_owned(), newest: ByPerson::default() }],
        };
        let people = Log::open(&folder.join("people.log"), b"ENTVLT\0\x01", &mut |offset, record| {
            known.apply(offset, record).ok_or_else(|| error::vault("a record has an unknown form"))
        })?;
        let state = State { people, keys: key_log, merges: Merges::open(folder)?, key_offsets, known };
        let vault = Vault { keys, random, state: Mutex::new(state) };
        vault.check_keys()?;
        Ok(vault)
    }

    /// Keys must be there for everybody, and open: else identifiers would be lost, and people get other numbers.
    fn check_keys(&self) -> Result<()> {
        let state = self.lock();
        if let Some(person) = state.key_offsets.any() {
            self.cipher_of(&state, person)?;
        }
        let has_key = |number: &u64| from_number(*number).and_then(|person| state.key_offsets.get(person)).is_some();
        match state.known.by_lookup.values().all(has_key) {
            true => Ok(()),
            false => Err(error::vault("`keys.log` lacks keys of people in `people.log`")),
        }
    }

    /// Starts the additions of one import.
    pub(crate) fn draft(&self) -> Draft<'_> {
        Draft {
            vault: self,
            cache: HashMap::new(),
            allocated: HashMap::new(),
            next_local: HashMap::new(),
            new_people: HashSet::new(),
            lookups: Vec::new(),
            with_user_id: HashSet::new(),
            identifiers: HashMap::new(),
            roots: Arc::clone(self.lock().merges.latest()),
            merges: Vec::new(),
        }
    }

    /// Who was whom after so many entries of the log of merges.
    pub(crate) fn roots_after(&self, n_entries: u64) -> Arc<Roots> {
        self.lock().merges.after(n_entries)
    }

    /// Who is whom by now.
    pub(crate) fn roots(&self) -> Arc<Roots> {
        Arc::clone(self.lock().merges.latest())
    }

    /// The log of merges, oldest first.
    pub(crate) fn merges(&self) -> Vec<MergeEntry> {
        self.lock().merges.list()
    }

    /// The entries about people whom an identifier leads to, or who are or were one with them, oldest first.
    pub(crate) fn merges_of(&self, identifier: &str) -> Vec<MergeEntry> {
        let draft = self.draft();
        let people = [USER_ID, ANONYMOUS_ID].into_iter().filter_map(|kind| draft.known(kind, identifier));
        merges::about(self.merges(), people.collect())
    }

    /// The person that a user id leads to, whoever named it.
    pub(crate) fn person_of(&self, user_id: &str) -> Option<PersonId> {
        self.draft().known(USER_ID, user_id)
    }

    /// Takes an entry of the log of merges back.
    pub(crate) fn undo_merge(&self, number: u64, at_micros: i64, by: &str) -> Result<()> {
        self.lock().merges.undo(number, at_micros, by)
    }

    /// Whether the person was ever allocated.
    pub(crate) fn knows(&self, person: PersonId) -> bool {
        self.lock().known.next_local.get(usize::from(person.bucket())).is_some_and(|next| person.local() < *next)
    }

    /// Whether anybody was ever allocated.
    pub(crate) fn knows_anybody(&self) -> bool {
        self.lock().known.next_local.iter().any(|next| *next > 0)
    }

    /// Decrypts the newest identifier of a kind; `None` when the person, who may be made of several, has none.
    pub(crate) fn identifier(&self, person: PersonId, kind: &str, roots: &Roots) -> Result<Option<String>> {
        let state = self.lock();
        let Some(of_kind) = state.known.kind(kind) else { return Ok(None) };
        let alone = [person.number()];
        let people = Some(roots.members(person)).filter(|members| !members.is_empty()).unwrap_or(&alone);
        let of = |member: PersonId| of_kind.newest.get(member).map(|found| (found, member));
        let found = people.iter().filter_map(|number| from_number(*number).and_then(of));
        // Of the same age the person's own goes first.
        let newest = found.max_by_key(|(found, member)| (found.at_micros, *member == person));
        let Some((identifier, person)) = newest else { return Ok(None) };
        let record = state.people.read(identifier.offset.get())?;
        let sealed = match record.split_first() {
            Some((&RECORD_PERSON, rest)) => rest.get(8 + 32..),
            Some((&RECORD_IDENTIFIER, rest)) => rest.get(8 + 8 + 1 + kind.len()..),
            Some((&RECORD_LOOKUP, rest)) => rest.get(8 + 32 + 1 + kind.len()..),
            _ => None,
        };
        let sealed = sealed.ok_or_else(|| error::vault("a record has an unknown form"))?;
        let Some(cipher) = self.cipher_of(&state, person)? else { return Ok(None) };
        let text = open_sealed(&cipher, &seal_label(person, kind), sealed);
        let text = text.ok_or_else(|| error::vault("an identifier does not open with its person's key"))?;
        String::from_utf8(text).map(Some).map_err(|_| error::vault("an identifier is not text"))
    }

    /// A text that belongs to nobody yet, such as a message that is kept aside, as nobody without the vault can read it.
    pub(crate) fn seal_text(&self, text: &str) -> String {
        format!("{SEALED}{}", spec::hex(&self.seal(&self.keys.aside, SEALED.as_bytes(), text.as_bytes())))
    }

    /// The text that was sealed; one that was not, of an older version, as it is.
    pub(crate) fn open_text(&self, sealed: &str) -> Result<String> {
        let Some(digits) = sealed.strip_prefix(SEALED) else { return Ok(sealed.to_owned()) };
        let opened = bytes_of(digits).and_then(|bytes| open_sealed(&self.keys.aside, SEALED.as_bytes(), &bytes));
        let text = opened.and_then(|text| String::from_utf8(text).ok());
        text.ok_or_else(|| error::vault("a text that is kept aside does not open with the master key"))
    }

    /// The key of hashes over the content of records.
    pub(crate) fn content_key(&self) -> &[u8; KEY_BYTES] {
        &self.keys.content
    }

    /// A name for a person under a purpose: 16 hex digits.
    pub(crate) fn pseudonym(&self, purpose: &str, person: PersonId) -> String {
        let digest = hmac(&self.keys.pseudonym, &[purpose.as_bytes(), b"\0", &person.number().to_le_bytes()]);
        spec::hex(&digest[..8])
    }

    /// A name for a value under a purpose: 16 hex digits.
    pub(crate) fn hash(&self, purpose: &str, value: &str) -> String {
        // A length before each part keeps a hash of a value apart from the pseudonym of a person.
        let label = format!("value {} {purpose} ", purpose.len());
        let digest = hmac(&self.keys.pseudonym, &[label.as_bytes(), value.as_bytes()]);
        spec::hex(&digest[..8])
    }

    fn cipher_of(&self, state: &State, person: PersonId) -> Result<Option<XChaCha20Poly1305>> {
        let Some(offset) = state.key_offsets.get(person) else { return Ok(None) };
        let record = state.keys.read(offset.get())?;
        let key = record.get(8..).and_then(|sealed| open_sealed(&self.keys.wrap, &seal_label(person, "key"), sealed));
        let key = key.and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok());
        let key = key.ok_or_else(|| error::vault("a key in `keys.log` does not open with `master.key`"))?;
        Ok(Some(XChaCha20Poly1305::new(&key.into())))
    }

    fn seal(&self, cipher: &XChaCha20Poly1305, label: &[u8], text: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        self.random.fill(&mut nonce);
        let payload = Payload { msg: text, aad: label };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("an identifier is far shorter than the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Draft<'_> {
    /// The person of a user id that somebody vouches for; a new one is allocated.
    pub(crate) fn person(&mut self, user_id: &str) -> PersonId {
        self.person_by(USER_ID, user_id)
    }

    /// The person of a user id that only a public key names; a new one is allocated, and has no user id to be reached by.
    pub(crate) fn claimed_person(&mut self, user_id: &str) -> PersonId {
        self.person_by(CLAIMED_USER_ID, user_id)
    }

    /// The person that an identifier leads to; a new one is allocated.
    pub(crate) fn person_by(&mut self, kind: &'static str, text: &str) -> PersonId {
        if let Some(person) = self.cache.get(kind).and_then(|known| known.get(text)) {
            return *person;
        }
        let digest = self.digest(kind, text);
        let person = match self.found(&digest) {
            Some(person) => {
                if kind == USER_ID && !self.has_user_id(person) {
                    // It was only claimed so far.
                    self.with_user_id.insert(person);
                    self.identifier(person, USER_ID, i64::MIN, text);
                }
                person
            }
            None => {
                let person = self.allocate(&digest);
                self.add_lookup(person, digest, kind, text);
                person
            }
        };
        let cache = self.cache.entry(kind).or_default();
        if cache.len() >= CACHE_ENTRIES_MAX {
            cache.clear();
        }
        cache.insert(text.to_owned(), person);
        person
    }

    /// The person that an identifier leads to, if it leads to one.
    pub(crate) fn known(&self, kind: &'static str, text: &str) -> Option<PersonId> {
        let cached = self.cache.get(kind).and_then(|known| known.get(text)).copied();
        cached.or_else(|| self.found(&self.digest(kind, text)))
    }

    /// Makes an identifier that leads to nobody lead to a person.
    pub(crate) fn link(&mut self, kind: &'static str, text: &str, person: PersonId) {
        let digest = self.digest(kind, text);
        assert!(self.found(&digest).is_none(), "an identifier leads to one person only");
        self.allocated.insert(first_16(&digest), person);
        self.add_lookup(person, digest, kind, text);
    }

    /// Says that two people are one: the first is the second one from now on.
    ///
    /// Rows move later (`settling`); until then both are as they were for everybody who asks.
    pub(crate) fn merge(&mut self, from: PersonId, into: PersonId, evidence: &Evidence<'_>) -> Joined {
        let before = Arc::clone(&self.roots);
        let joined = self.vault.lock().merges.join(&mut self.roots, from, into);
        if joined == Joined::Same && before.root(from) != before.root(into) {
            let Evidence { reason, at_micros, source } = *evidence;
            let (from, into, by) = (from.number(), into.number(), source.to_owned());
            self.merges.push(Entry::Merge { at_micros, from, into, reason, by });
        }
        joined
    }

    /// Whether somebody vouches for a user id of the person, or of one of those that the person is made of.
    pub(crate) fn is_identified(&self, person: PersonId) -> bool {
        let members = self.roots.members(self.roots.root(person));
        let mut members = members.iter().filter_map(|number| from_number(*number));
        self.has_user_id(person) || members.any(|member| self.has_user_id(member))
    }

    /// Whether some user id that somebody vouches for leads to the person.
    pub(crate) fn has_user_id(&self, person: PersonId) -> bool {
        self.with_user_id.contains(&person) || self.vault.lock().known.kinds[0].newest.get(person).is_some()
    }

    fn digest(&self, kind: &str, text: &str) -> [u8; 32] {
        let kind = if kind == CLAIMED_USER_ID { USER_ID } else { kind };
        hmac(&self.vault.keys.lookup, &[kind.as_bytes(), b"|", text.as_bytes()])
    }

    fn found(&self, digest: &[u8; 32]) -> Option<PersonId> {
        let lookup = first_16(digest);
        let allocated = self.allocated.get(&lookup).copied();
        allocated.or_else(|| self.vault.lock().known.by_lookup.get(&lookup).and_then(|number| from_number(*number)))
    }

    fn add_lookup(&mut self, person: PersonId, digest: [u8; 32], kind: &'static str, text: &str) {
        if kind == USER_ID {
            self.with_user_id.insert(person);
        }
        self.lookups.push(Lookup { person, digest, kind, text: text.to_owned() });
    }

    /// Notes an identifier of a person; of several the newest counts.
    pub(crate) fn identifier(&mut self, person: PersonId, kind: &str, at_micros: i64, text: &str) {
        let entry = self.identifiers.entry((person, kind.to_owned())).or_insert_with(|| (i64::MIN, String::new()));
        if (at_micros, text) > (entry.0, entry.1.as_str()) {
            *entry = (at_micros, text.to_owned());
        }
    }

    /// Writes and syncs everything, then makes it known.
    pub(crate) fn write(self) -> Result<()> {
        let mut state = self.vault.lock();
        let mut fresh_keys = Vec::new();
        let mut records = Vec::new();
        let mut new_people: Vec<PersonId> = self.new_people.into_iter().collect();
        new_people.sort_unstable();
        let mut ciphers = HashMap::new();
        for person in new_people {
            let mut key = [0; KEY_BYTES];
            self.vault.random.fill(&mut key);
            let sealed_key = self.vault.seal(&self.vault.keys.wrap, &seal_label(person, "key"), &key);
            let record = [person.number().to_le_bytes().as_slice(), &sealed_key].concat();
            fresh_keys.push((person, state.keys.append(&record)));
            ciphers.insert(person, XChaCha20Poly1305::new(&key.into()));
        }
        for lookup in &self.lookups {
            let cipher = match ciphers.get(&lookup.person) {
                Some(cipher) => cipher.clone(),
                None => match self.vault.cipher_of(&state, lookup.person)? {
                    Some(cipher) => cipher,
                    None => continue,
                },
            };
            let label = seal_label(lookup.person, lookup.kind);
            records.push(lookup_record(lookup, &self.vault.seal(&cipher, &label, lookup.text.as_bytes())));
        }
        state.keys.sync()?;
        for (person, offset) in fresh_keys {
            state.key_offsets.insert(person, NonZeroU64::new(offset).expect("a header comes before all records"));
        }
        let mut identifiers: Vec<_> = self.identifiers.into_iter().collect();
        identifiers.sort_unstable();
        for ((person, kind), (at_micros, text)) in identifiers {
            if state.known.is_newer(person, &kind, at_micros)
                && let Some(cipher) = self.vault.cipher_of(&state, person)?
            {
                let sealed = self.vault.seal(&cipher, &seal_label(person, &kind), text.as_bytes());
                records.push(identifier_record(person, &kind, at_micros, &sealed));
            }
        }
        let placed: Vec<(u64, Vec<u8>)> =
            records.into_iter().map(|record| (state.people.append(&record), record)).collect();
        state.people.sync()?;
        for (offset, record) in placed {
            state.known.apply(offset, &record).expect("the record has just been made in the form that is read");
        }
        state.merges.add(self.merges)
    }

    fn allocate(&mut self, digest: &[u8; 32]) -> PersonId {
        let bucket = u16::from_le_bytes([digest[0], digest[1]]) % BUCKETS;
        let vault = self.vault;
        let next = self.next_local.entry(bucket).or_insert_with(|| vault.lock().known.next_local[usize::from(bucket)]);
        let person = PersonId::new(bucket, *next);
        *next = next.checked_add(1).expect("a bucket holds four billion people");
        self.allocated.insert(first_16(digest), person);
        self.new_people.insert(person);
        person
    }
}

impl Known {
    /// Takes a record of `people.log` into the maps; `None` if its form is unknown.
    fn apply(&mut self, offset: u64, record: &[u8]) -> Option<()> {
        let (form, rest) = record.split_first()?;
        let (number, rest) = read_u64(rest)?;
        let person = from_number(number)?;
        let offset = NonZeroU64::new(offset)?;
        match *form {
            RECORD_PERSON => {
                self.apply_lookup(person, rest.get(..32)?)?;
                self.kinds.first_mut()?.newest.insert(person, Identifier { offset, at_micros: i64::MIN });
            }
            RECORD_LOOKUP => {
                self.apply_lookup(person, rest.get(..32)?)?;
                let (length, rest) = rest.get(32..)?.split_first()?;
                let kind = std::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
                let newest = &mut self.kind_or_new(kind)?.newest;
                // Of several the first one counts, as long as none comes with a time.
                if newest.get(person).is_none() {
                    newest.insert(person, Identifier { offset, at_micros: i64::MIN });
                }
            }
            RECORD_IDENTIFIER => {
                let (at, rest) = read_u64(rest)?;
                let (length, rest) = rest.split_first()?;
                let kind = std::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
                let at_micros = i64::from_le_bytes(at.to_le_bytes());
                self.kind_or_new(kind)?.newest.insert(person, Identifier { offset, at_micros });
            }
            _ => return None,
        }
        Some(())
    }

    fn apply_lookup(&mut self, person: PersonId, digest: &[u8]) -> Option<()> {
        self.by_lookup.insert(first_16(digest.try_into().ok()?), person.number());
        let next = self.next_local.get_mut(usize::from(person.bucket()))?;
        *next = (*next).max(person.local().checked_add(1)?);
        Some(())
    }

    fn kind_or_new(&mut self, name: &str) -> Option<&mut Kind> {
        if self.kind(name).is_none() {
            self.kinds.push(Kind { name: name.to_owned(), newest: ByPerson::default() });
        }
        self.kinds.iter_mut().find(|kind| kind.name == name)
    }

    fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    fn is_newer(&self, person: PersonId, kind: &str, at_micros: i64) -> bool {
        let known = self.kind(kind).and_then(|kind| kind.newest.get(person));
        known.is_none_or(|known| at_micros > known.at_micros)
    }
}

fn lookup_record(lookup: &Lookup, sealed: &[u8]) -> Vec<u8> {
    let length = u8::try_from(lookup.kind.len()).expect("kinds of identifiers have short names");
    let number = lookup.person.number().to_le_bytes();
    let kind = lookup.kind.as_bytes();
    [&[RECORD_LOOKUP], number.as_slice(), &lookup.digest, &[length], kind, sealed].concat()
}

fn identifier_record(person: PersonId, kind: &str, at_micros: i64, sealed: &[u8]) -> Vec<u8> {
    let length = u8::try_from(kind.len()).expect("names of properties are shorter than 256 bytes");
    let number = person.number().to_le_bytes();
    [&[RECORD_IDENTIFIER], number.as_slice(), &at_micros.to_le_bytes(), &[length], kind.as_bytes(), sealed].concat()
}

fn read_or_make_master(folder: &Path, random: &dyn Random) -> Result<[u8; KEY_BYTES]> {
    let path = folder.join("master.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => parse_master(&text).ok_or_else(|| error::vault("`master.key` is not a master key")),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            if folder.join("people.log").exists() {
                return Err(error::vault("`master.key` is missing"));
            }
            let mut key = [0; KEY_BYTES];
            random.fill(&mut key);
            let text = format!("{MASTER_HEADER}{}\n", spec::hex(&key));
            let temporary = folder.join("master.key.new");
            let written = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)
                .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
                .and_then(|()| std::fs::rename(&temporary, &path))
                .and_then(|()| std::fs::File::open(folder)?.sync_all());
            written.map_err(|cause| error::io("write", &path, cause))?;
            Ok(key)
        }
        Err(cause) => Err(error::io("read", &path, cause)),
    }
}

fn parse_master(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits = text.strip_prefix(MASTER_HEADER)?.trim_end();
    bytes_of(digits)?.try_into().ok()
}

/// What hex digits say.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn open_sealed(cipher: &XChaCha20Poly1305, label: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_BYTES] = sealed.get(..NONCE_BYTES)?.try_into().ok()?;
    cipher.decrypt(&XNonce::from(nonce), Payload { msg: &sealed[NONCE_BYTES..], aad: label }).ok()
}

/// Binds a sealed text to its person and kind, so that it cannot be moved to another.
fn seal_label(person: PersonId, kind: &str) -> Vec<u8> {
    [person.number().to_le_bytes().as_slice(), kind.as_bytes()].concat()
}

fn derive(master: &[u8; KEY_BYTES], label: &[u8]) -> [u8; KEY_BYTES] {
    hmac(master, &[label])
}

fn hmac(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn from_number(number: u64) -> Option<PersonId> {
    i64::try_from(number).ok().and_then(PersonId::from_stored)
}

fn first_16(digest: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}

fn read_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_at_checked(8)?;
    Some((u64::from_le_bytes(head.try_into().ok()?), rest))
}
