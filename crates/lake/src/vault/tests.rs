//! The vault alone: allocation, recovery, secrecy.
