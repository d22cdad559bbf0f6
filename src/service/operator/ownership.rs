//! Ownership of many devices at once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Operator, OperatorError};
use crate::protocol::keys::RotUid;
use crate::protocol::message::Standing;
use crate::service::device::Blocked;
use crate::service::event::{EventKind, Reason};
use crate::service::plan::Plan;
use crate::service::registry::Draft;
use crate::service::store::Store;

/// Most devices of one transfer.
pub const TRANSFER_MAX: usize = 1000;

/// A change of ownership, as it is asked for in writing (published).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The device profile the devices were sealed with.
    pub profile_uid: String,
    /// Which devices.
    pub rots: BTreeSet<RotUid>,
    /// Their present owner's domain.
    pub from: String,
    /// Their future owner's domain.
    pub to: String,
}

impl<S: Store> Operator<'_, S> {
    /// Moves devices to another domain, all of them or none. Those for which the plan has no room
    /// there are allocated.
    pub fn transfer_all(&mut self, transfer: &Transfer) -> Result<(), OperatorError> {
        if transfer.rots.is_empty() || transfer.rots.len() > TRANSFER_MAX {
            return Err(OperatorError::Count { max: TRANSFER_MAX });
        }
        self.known_domain(&transfer.from)?;
        self.known_domain(&transfer.to)?;
        let mut drafts = Vec::with_capacity(transfer.rots.len());
        let mut moved = BTreeMap::new();
        for rot in &transfer.rots {
            let mut draft = self.owned(*rot)?;
            let owner = draft.device.owner.as_ref();
            if owner.is_none_or(|owner| owner.domain != transfer.from) {
                return Err(OperatorError::NotYours { rot: *rot, domain: transfer.from.clone() });
            }
            if owner.is_none_or(|owner| owner.profile_uid != transfer.profile_uid) {
                return Err(OperatorError::OtherProfile(*rot));
            }
            if transfer.from != transfer.to {
                self.move_to(&mut draft, &transfer.to, &mut moved)?;
                drafts.push(draft);
            }
        }
        Ok(self.registry.write_all(drafts, Vec::new(), self.now)?)
    }

    /// Moves a device to another domain, which is made where it is named for the first time. Where
    /// that is over its plan's limit already, the device is allocated there.
    pub fn transfer(&mut self, rot: RotUid, domain: &str) -> Result<(), OperatorError> {
        let mut draft = self.owned(rot)?;
        if draft.device.domain() == Some(domain) {
            return Ok(());
        }
        let batch = self.missing_domain(domain)?;
        self.move_to(&mut draft, domain, &mut BTreeMap::new())?;
        Ok(self.registry.write_all(vec![draft], batch, self.now)?)
    }

    /// `moved` counts the active devices of the same change, which the store does not know yet.
    fn move_to(
        &self,
        draft: &mut Draft,
        domain: &str,
        moved: &mut BTreeMap<Plan, u64>,
    ) -> Result<(), OperatorError> {
        let from = draft.device.domain().map(str::to_owned);
        draft.device.owner.iter_mut().for_each(|owner| domain.clone_into(&mut owner.domain));
        // What the owner before has signed is nobody else's business; a heartbeat brings a new one.
        draft.device.certificate = None;
        if draft.device.standing == Standing::Active {
            let moved = moved.entry(draft.device.plan).or_default();
            if self.registry.is_plan_full(&draft.device, *moved)? {
                draft.device.standing = Standing::Allocated;
                draft.device.blocked = Some(Blocked::OverPlanLimit);
            } else {
                *moved += 1;
            }
        }
        draft.note(EventKind::Ownership, Reason::Transferred { from, to: domain.to_owned() });
        Ok(())
    }
}
