//! The master key, and who may reach a program from where.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::host::error::HostError;
use crate::protocol::keys::MasterKey;

/// Keys and reach.
#[derive(Clone, Debug, Args)]
pub(super) struct SecrecyArgs {
    /// File with the key from which factory secrets are derived, 64 hex digits; without it, a
    /// published development key that is no secret
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// Allow addresses other computers can reach; needs --master-key
    #[arg(long)]
    expose: bool,
}

impl SecrecyArgs {
    /// The key, where all of these addresses may be bound.
    pub(super) fn check(
        &self,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<MasterKey, HostError> {
        if self.expose && self.master_key.is_none() {
            return Err(HostError::usage(
                "--expose: the development master key is published, so anybody who \
                                         can reach this program could be any module",
            )
            .advise("give a private key with --master-key FILE"));
        }
        let open = addresses.into_iter().find(|address| !address.ip().is_loopback());
        if let (Some(address), false) = (open, self.expose) {
            return Err(HostError::usage(format_args!("{address}: other computers can reach this address"))
                .advise("say --expose if that is wanted, or take a loopback address such as 127.0.0.1"));
        }
        self.load()
    }

    fn load(&self) -> Result<MasterKey, HostError> {
        let Some(path) = &self.master_key else { return Ok(MasterKey::development()) };
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| HostError::usage(format_args!("{shown}: {error}")))?;
        let key =
            text.trim().parse().map_err(|error| HostError::usage(format_args!("{shown}:1:1: {error}")))?;
        Ok(MasterKey::new(key))
    }
}
