//! What cannot be seen from outside a modem, or only with much ado.

use proptest::prelude::*;

use super::*;

fn any_dte() -> impl Strategy<Value = Dte> {
    let rate = prop_oneof![
        Just(None),
        prop::sample::select(vec![9600, 115_200]).prop_map(NonZeroU32::new),
        any::<u32>().prop_map(NonZeroU32::new)
    ];
    (rate, any::<bool>(), any::<bool>()).prop_map(|(rate_bps, dtr, rts)| Dte { rate_bps, dtr, rts })
}

proptest! {
    #[test]
    fn whatever_passes_the_output_is_bounded_and_counted(
        steps in prop::collection::vec(
            (any_dte(), 0..=6_u8, prop::collection::vec(any::<u8>(), 0..2000), prop::sample::select(vec![0, 9600, 115_200]), any::<bool>()),
            0..40,
        ),
    ) {
        let mut uart = Uart::default();
        let mut settings = Settings::factory(0);
        let mut interface = crate::module::settings::StoredProfile::factory(
            &crate::profile::Profile::built_in("sara-r510s").expect("built in"),
        ).interface;
        let detectable = [9600, 115_200].into();
        for (dte, flow_control, bytes, rate_bps, poll) in steps {
            uart.set_dte(dte);
            settings.flow_control = flow_control;
            (interface.rate_bps, interface.rate_chosen) = (rate_bps, true);
            uart.adopt(&interface);
            prop_assert!(uart.receive(&bytes, &settings, &detectable).len() <= 5 * bytes.len() + 1);
            uart.transmit(bytes);
            while poll && uart.poll_output(&settings).is_some() {}
            prop_assert_eq!(uart.output_len, uart.output.iter().map(Vec::len).sum::<usize>());
            prop_assert!(uart.output_len <= HELD_OUTPUT_MAX);
        }
    }
}
