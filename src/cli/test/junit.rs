//! Results as JUnit XML, for CI servers.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use crate::host::error::HostError;
use crate::scenario::report::{Report, Verdict};

/// The results and how long each took.
pub(super) fn render(reports: &[(Report, Duration)]) -> Result<String, HostError> {
    let mut suite = TestSuite::new("vsara");
    for (report, took) in reports {
        let status = match &report.verdict {
            Verdict::Passed => TestCaseStatus::success(),
            Verdict::Skipped(line, reason) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(format!("line {line}: {reason}"));
                status
            }
            Verdict::Failed(failure) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(format!("{}:{}: {}", report.file, failure.line, failure.statement));
                status.set_description(failure.to_string());
                status
            }
        };
        let mut case = TestCase::new(report.file.clone(), status);
        case.set_classname("scenarios").set_time(*took);
        suite.add_test_case(case);
    }
    suite.set_time(reports.iter().map(|(_, took)| *took).sum::<Duration>());
    let mut results = JUnit::new("vsara");
    results.add_test_suite(suite);
    results.to_string().map_err(HostError::running)
}
