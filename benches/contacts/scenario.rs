//! Scenario files: bootstrap, seal and heartbeat, each in a world of its own.

use vsara::scenario::report::PlayOptions;
use vsara::scenario::{BuiltIn, Script, play};

use super::rounds::Work;

const TEXT: &str = r#"
device-profile "AgbCtixjwqLjwV3VWpfPyz" features=ldp
modem dut sara-r510s
wait until dut < +USECDEVINFO: 1,0,1 within 10m
dut> AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","serial-1"
dut< OK
wait until dut < +USECDEVINFO: 1,1,1 within 10m
dut> AT+USECCONN
dut< OK
device state=ACTIVE features=ldp heartbeats=1
no event
"#;

/// Parses and plays one scenario after the other.
pub(crate) struct Play;

impl Work for Play {
    fn run(&mut self, times: usize) {
        for _ in 0..times {
            let script = Script::parse(TEXT, "bench.at").expect("a script");
            assert!(play(&script, "bench.at", PlayOptions::default(), &BuiltIn).has_passed());
        }
    }
}
