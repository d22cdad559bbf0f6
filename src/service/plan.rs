//! Price plans, as data.

use serde::{Deserialize, Serialize};

/// A price plan: which services it includes and how many devices may be active under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Free of charge.
    #[default]
    Developer,
    /// Pay by the day.
    Daily,
    /// Pay by use.
    Flex,
    /// Pay once.
    Freedom,
    /// Features only (`designed`: the published guide knows such plans but names none).
    Basic,
}

/// What a plan gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanFacts {
    /// As it is written everywhere.
    pub name: &'static str,
    /// Whether Symmetric KMS and E2E Data Protection are included.
    pub services: bool,
    /// Most devices of one domain that may be active under it; none: any number.
    pub active_devices_max: Option<u64>,
}

/// Text that names no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan is developer, daily, flex, freedom or basic")]
pub struct UnknownPlan;

const PLANS: [(Plan, PlanFacts); 5] = [
    (Plan::Developer, PlanFacts { name: "developer", services: true, active_devices_max: Some(10) }),
    (Plan::Daily, PlanFacts { name: "daily", services: true, active_devices_max: None }),
    (Plan::Flex, PlanFacts { name: "flex", services: true, active_devices_max: None }),
    (Plan::Freedom, PlanFacts { name: "freedom", services: true, active_devices_max: None }),
    (Plan::Basic, PlanFacts { name: "basic", services: false, active_devices_max: None }),
];

impl Plan {
    /// Every plan there is.
    pub fn all() -> impl Iterator<Item = Plan> {
        PLANS.into_iter().map(|(plan, _)| plan)
    }

    /// What this plan gives.
    pub const fn facts(self) -> &'static PlanFacts {
        // The table is in the order of the enum; a test holds it.
        &PLANS[self as usize].1
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.facts().name)
    }
}

impl std::str::FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|plan| plan.facts().name == text).ok_or(UnknownPlan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_reads_back_as_itself() {
        for (index, (plan, facts)) in PLANS.into_iter().enumerate() {
            assert_eq!(plan as usize, index);
            assert_eq!(facts.name.parse(), Ok(plan));
            assert_eq!(serde_json::to_string(&plan).ok(), Some(format!("{:?}", facts.name)));
        }
        assert_eq!("gold".parse::<Plan>(), Err(UnknownPlan));
    }
}
