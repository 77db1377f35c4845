//! Everything that can be typed. Help, completions and the manual page are made from here; the comments are their text.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where marketing and IT meet over data: ask, and get an answer under the rules that both agreed.
///
/// Exit codes: 0 yes, 1 failure, 2 wrong input, 3 refused by a verdict.
#[derive(Parser)]
#[command(name = "entente", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// What goes to the log: error, warn, info, debug
    #[arg(long, global = true, env = "ENTENTE_LOG", default_value = "warn", value_name = "LEVEL")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the workspace and the data are, or which server has them.
#[derive(Args)]
pub(crate) struct Place {
    /// The folder with entente.yaml [default: the nearest one upwards]
    #[arg(long, global = true, env = "ENTENTE_WORKSPACE", value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// The data folder [default: `data` beside the workspace]
    #[arg(long, global = true, env = "ENTENTE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Ask this server instead of a folder
    #[arg(long, global = true, env = "ENTENTE_SERVER", value_name = "URL", requires = "token")]
    pub(crate) server: Option<String>,
    /// The token for that server
    #[arg(long, global = true, env = "ENTENTE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Import what the workspace's sources name and is not there yet, then serve
    Up(Up),
    /// Bring files into a source, under its contract
    Import(Import),
    /// Ask a question and print the answer
    Ask(Ask),
    /// Say whether a question may be asked, and what the nearest yes is
    Judge(Judge),
    /// Check every file of the workspace and print all that is wrong
    Check,
    /// Make a token with which a program acts as a user
    Token(Token),
    /// Make a write key with which a site or a server sends events to a source
    Key(Key),
    /// Say what messages are kept aside and why
    Quarantine(Quarantine),
    /// Take messages in that were kept aside and keep the contract by now
    Replay(Replay),
    /// Say which people have become one, and take them apart again
    Identity {
        #[command(subcommand)]
        command: Identity,
    },
    /// Say who saw what, and whether the records are whole
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Manual,
}

#[derive(Args)]
pub(crate) struct Up {
    /// Where to listen
    #[arg(long, env = "ENTENTE_LISTEN", default_value = "127.0.0.1:7800", value_name = "ADDR")]
    pub(crate) listen: String,
    /// Give every user a new password and print it
    #[arg(long)]
    pub(crate) sign_ins: bool,
    /// Browsers come by https (a proxy in front ends it), so cookies may demand it
    #[arg(long)]
    pub(crate) https: bool,
    /// A database in MaxMind's format (.mmdb) that says in which country and region addresses are
    #[arg(long, env = "ENTENTE_PLACES", value_name = "FILE")]
    pub(crate) places: Option<PathBuf>,
    /// Memory for columns that are kept between questions, in MiB [default: a quarter of the machine's]
    #[arg(long, env = "ENTENTE_HOT_COLUMNS", value_name = "MIB")]
    pub(crate) hot_columns: Option<usize>,
    /// Read templates and static files from this folder on each use
    #[arg(long, env = "ENTENTE_TEMPLATES", value_name = "DIR", hide = true)]
    pub(crate) templates: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Import {
    /// The source
    #[arg(required_unless_present = "all")]
    pub(crate) source: Option<String>,
    /// Its files: CSV, NDJSON or Parquet
    #[arg(required_unless_present = "all")]
    pub(crate) files: Vec<PathBuf>,
    /// Everything that the workspace's sources name
    #[arg(long, conflicts_with_all = ["source", "files", "object"])]
    pub(crate) all: bool,
    /// The object of the contract that the records are [default: the one the file's name starts with]
    #[arg(long, value_name = "NAME")]
    pub(crate) object: Option<String>,
    /// Import as this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Args)]
pub(crate) struct Ask {
    /// The question, a YAML or JSON file; `-` reads it from the input
    pub(crate) file: PathBuf,
    /// Ask as this user; it is put on record
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Judge {
    /// The question, a YAML or JSON file; `-` reads it from the input
    pub(crate) file: PathBuf,
    /// Judge for this user; it is put on record
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// How to print the verdict
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: JudgeFormat,
}

#[derive(Args)]
pub(crate) struct Token {
    /// The user
    pub(crate) user: String,
    /// How long it is good for
    #[arg(long = "for", default_value = "30 days", value_name = "DURATION")]
    pub(crate) duration: String,
}

#[derive(Args)]
pub(crate) struct Quarantine {
    /// Look as this user; it is put on record
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Args)]
pub(crate) struct Replay {
    /// The source
    pub(crate) source: String,
    /// Only messages that are aside for this reason, as `entente quarantine` prints it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Take them in as this user; it is put on record
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Identity {
    /// Print the newest merges, or all of one identifier
    List {
        /// A user id or an anonymous id
        #[arg(long = "of", value_name = "ID")]
        identifier: Option<String>,
        /// Look as this user; it is put on record
        #[arg(long = "as", value_name = "USER")]
        user: Option<String>,
    },
    /// Take a merge back, or an undoing
    Undo {
        /// The number that `entente identity list` prints
        number: u64,
        /// Do it as this user; it is put on record
        #[arg(long = "as", value_name = "USER")]
        user: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Print the newest records
    List(AuditList),
    /// Print the signed end of the records, to be kept somewhere else
    Head {
        /// Look as this user; it is put on record
        #[arg(long = "as", value_name = "USER")]
        user: Option<String>,
    },
    /// Walk along the records in the data folder and say the first that was changed, taken out or cut off
    Verify(AuditVerify),
}

#[derive(Args)]
pub(crate) struct AuditList {
    /// Only what this user did
    #[arg(long = "of", value_name = "USER")]
    pub(crate) of: Option<String>,
    /// Only what was done for this purpose
    #[arg(long, value_name = "NAME")]
    pub(crate) purpose: Option<String>,
    /// Only deeds that begin with this: ask, judge, save
    #[arg(long, value_name = "WORD")]
    pub(crate) did: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// Look as this user; it is put on record
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Args)]
pub(crate) struct AuditVerify {
    /// A file with heads that were kept, one a line, as `entente audit head` prints them; may be given several times
    #[arg(long = "head", value_name = "FILE")]
    pub(crate) heads: Vec<PathBuf>,
    /// The public key that has to have signed them
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Args)]
pub(crate) struct Key {
    /// Who holds it
    #[arg(long, value_enum, default_value = "public")]
    pub(crate) kind: KeyKind,
    /// The source for which it is; only the advice names it
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// What it is called in the source's file [default: the kind]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// Everybody: pages and apps
    Public,
    /// A server of yours
    Secret,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading
    Table,
    /// As the server sends it
    Json,
    /// Comma-separated values
    Csv,
    /// An Arrow IPC stream
    Arrow,
    /// A Parquet file
    Parquet,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JudgeFormat {
    /// For reading
    Table,
    /// As the server sends it
    Json,
}
