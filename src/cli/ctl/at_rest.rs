//! What can be asked of a state directory nobody runs on.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::errand::Errand;
use super::{nobody, show};
use crate::host::clock::TimeFile;
use crate::host::control::Request;
use crate::host::error::HostError;
use crate::host::nvm_file::NvmFile;
use crate::host::state_dir::{StateDir, clone_module, keep_identity};
use crate::module::Nvm;
use crate::protocol::keys::PskIdentity;
use crate::time::Timestamp;

/// Answers what needs no running program.
pub(super) fn answer(state: &Path, errand: &Errand) -> Result<(), HostError> {
    if !state.join("state.toml").exists() {
        return Err(nobody(state));
    }
    let value = match &errand.request {
        Request::Clone { dir } => {
            let held = StateDir::open(state)?;
            let facts = held.facts()?.ok_or_else(|| nobody(state))?;
            let system = TimeFile::open(state).map_err(HostError::running)?.last();
            let nvm = load(state)?;
            clone_module(dir, &facts, &nvm, system.unwrap_or(Timestamp::from_millis(0)))?;
            json!({ "state": dir })
        }
        Request::FactoryReset => factory_reset(state)?,
        Request::Identity { reveal } => {
            let _held = StateDir::open(state)?;
            let nvm = load(state)?;
            let key_set = nvm.secrets.in_use();
            let identity = PskIdentity { rot: nvm.identity.rot, key_set: key_set.number }.to_string();
            let key = reveal.then(|| hex::encode(key_set.key.as_bytes()));
            json!({ "identity": identity, "key": key })
        }
        _ => return Err(nobody(state)),
    };
    show::answer(errand.shown, &value)
}

fn load(state: &Path) -> Result<Nvm, HostError> {
    let loaded = NvmFile::new(state).and_then(|mut file| file.load::<Nvm, _>());
    match loaded.map_err(HostError::running)? {
        Some((nvm, secrets)) => Ok(Nvm { secrets, ..nvm }),
        None => Err(nobody(state)),
    }
}

/// The next start makes the module anew; its embedded service forgets the old one first.
fn factory_reset(state: &Path) -> Result<serde_json::Value, HostError> {
    let held = StateDir::open(state)?;
    let next = match load(state) {
        Ok(nvm) => {
            keep_identity(held.path(), &nvm.identity)?;
            let path = held.path().join("forget");
            fs::write(&path, format!("{}\n", nvm.identity.rot))
                .map_err(|error| HostError::running(format_args!("{}: {error}", path.display())))?;
            "the next start of vsara on this directory makes the module as new, under the same names"
        }
        Err(_) => {
            "the next start of vsara on this directory makes a new module: who the old one was cannot be read"
        }
    };
    NvmFile::new(state).and_then(|mut file| file.remove()).map_err(HostError::running)?;
    Ok(json!({ "next": next }))
}
