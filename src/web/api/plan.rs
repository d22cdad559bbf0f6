//! Price plans.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::PlanName;
use crate::service::Plan;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Owner};

/// All of them.
#[derive(Deserialize, ToSchema)]
struct PlanListRequest {}

/// Every price plan.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct PlanList {
    /// In their order.
    plans: Vec<PlanEntry>,
    /// How many there are.
    total: usize,
}

/// A price plan.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct PlanEntry {
    /// Its name.
    plan: PlanName,
    /// Whether Symmetric KMS and E2E Data Protection are included.
    services: bool,
    /// Most devices of a domain that may be active under it; null: any number.
    active_devices_max: Option<u64>,
    /// How many are.
    active_devices: u64,
}

fn list(owner: &mut Owner<'_>, _: PlanListRequest) -> Result<PlanList, ApiError> {
    let mut plans = Vec::new();
    for plan in Plan::all() {
        let facts = plan.facts();
        plans.push(PlanEntry {
            plan: PlanName(plan),
            services: facts.services,
            active_devices_max: facts.active_devices_max,
            active_devices: owner.account.active_devices(plan)?,
        });
    }
    Ok(PlanList { total: plans.len(), plans })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::owner("/v1/plan/list", list)
            .about("Plans", "Lists price plans, and how many devices are active under each"),
    ]
}
