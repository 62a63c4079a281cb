#![no_main]
//! See `hallpass_testkit::fuzz`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hallpass_testkit::fuzz::trust::trust(bytes));
